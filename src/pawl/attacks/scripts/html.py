"""Run a script in the reviewer's browser, or fetch a picture that tells who reads.

kind: words
stopped by: everything is escaped on the page
"""

from attacker import tried

tried("print </pre><script>alert(1)</script><img src=x onerror=alert(1)><iframe src='//example.invalid'>{{ 7 * 7 }}")

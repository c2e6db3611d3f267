"""The door for agents from outside: they propose, run and read, over the Model Context Protocol.

It has no word for approving, rejecting, releasing, resuming, unsealing or a change of policy.
"""

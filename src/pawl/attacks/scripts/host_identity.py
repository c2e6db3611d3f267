"""Learn which machine this is: the host's machine id and hardware addresses.

kind: secrets
stopped by: read-only minimal root, no network
"""

import glob
import os
import socket

from attacker import look, read

for path in ("/etc/machine-id", "/var/lib/dbus/machine-id", "/sys/class/dmi/id/product_uuid", "/proc/net/arp"):
    look(f"read {path}", lambda path=path: read(path))
for path in glob.glob("/sys/class/net/*/address"):
    look(f"read {path}", lambda path=path: read(path))
look("list network interfaces", socket.if_nameindex)
look("list disks", lambda: os.listdir("/dev/disk/by-uuid"))

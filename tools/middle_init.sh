#!/bin/sh
# SPDX-License-Identifier: MIT
# The Linux in the middle (tools/middle.py): loads KVM with nesting, starts the peer, says that it is ready, and is
# saved at that point. Each run wakes up in the loop below, with a disk of its own: boot ISO first, job at the end.
export PATH=/bin:/usr/bin
/bin/busybox --install -s /bin
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tmpfs tmp /tmp
ifconfig lo 127.0.0.1 up

while read -r module; do
    case $module in kvm-intel.ko) options="nested=1 ept=1" ;; *) options="" ;; esac
    # shellcheck disable=SC2086  # none or several words
    insmod "/modules/$module" $options || echo "MIDDLE insmod $module failed"
done </modules/order
until [ -b /dev/sda ]; do usleep 100000; done
[ -c /dev/kvm ] || echo "MIDDLE no /dev/kvm"

# Both are read into memory now, so that no run has to.
python3 -S /tools/peer --listen 127.0.0.1:4600 --quiet >/tmp/peer 2>&1 &
until grep -q listening /tmp/peer; do
    kill -0 $! || { echo "MIDDLE peer failed: $(cat /tmp/peer)"; break; }
    usleep 100000
done
qemu-system-x86_64 -machine none -version >/dev/null || echo "MIDDLE qemu failed"

JOB_BLOCKS=16
JOB=$(($(cat /sys/block/sda/size) - JOB_BLOCKS))
: >/tmp/job
echo "MIDDLE ready, $(grep MemAvailable /proc/meminfo)"
until [ "$(head -c 4 /tmp/job)" = "#job" ]; do
    usleep 200000
    blockdev --flushbufs /dev/sda
    dd if=/dev/sda bs=512 skip=$JOB count=$JOB_BLOCKS 2>/dev/null | tr -d '\0' >/tmp/job
done
# shellcheck disable=SC1091  # made for the run
. /tmp/job
sleep 1 # the serial lines drain
# What Bochs takes as the wish to end.
for letter in S h u t d o w n; do
    printf %s $letter | dd of=/dev/port bs=1 seek=$((0x8900)) 2>/dev/null
done

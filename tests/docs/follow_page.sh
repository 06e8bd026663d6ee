# follow_page.sh RELEASE: run the commands of standard input as root, in the folder RELEASE, on a copy
# of this machine: what they change is in memory, and nobody else sees it. There is no network, so
# apt-get does nothing and pip finds its files next to RELEASE; there is no systemd, so `systemctl`
# starts the server, and the backup, itself.
set -eu
release=$1
scratch=$release/../scratch
mkdir "$scratch"
mount -t tmpfs scratch "$scratch"
mkdir "$scratch/changes" "$scratch/work" "$scratch/root"
mount -t overlay machine "$scratch/root" \
    -o "lowerdir=/,upperdir=$scratch/changes,workdir=$scratch/work"
mount -t proc proc "$scratch/root/proc"
mount --rbind /dev "$scratch/root/dev"
"$PYTHON" -c 'import fcntl, socket, struct
link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
fcntl.ioctl(link, 0x8914, struct.pack("16sh", b"lo", 1))' # SIOCSIFFLAGS: loopback is up

# The Python of the tests may be somebody's own, in a folder that only they can enter.
folder=$(dirname "$(readlink -f "$PYTHON")")
while [ "$folder" != / ]; do
    chmod a+x "$scratch/root$folder"
    folder=$(dirname "$folder")
done

stand_ins=$scratch/root/stand-ins
mkdir -p "$stand_ins" "$scratch/root/etc/caddy"
ln -s "$PYTHON" "$stand_ins/python3"
cat > "$stand_ins/apt-get" <<'END'
#!/bin/sh
echo "apt-get $*"
END
cat > "$stand_ins/systemctl" <<'END'
#!/bin/sh
echo "systemctl $*"
case "$*" in
"start billhook-backup")
    install --directory --owner=billhook --group=billhook --mode=0700 /var/lib/billhook-backups
    exec billhook backup /var/lib/billhook-backups/billhook.backup
    ;;
"enable --now billhook") ;;
*) exit 0 ;;
esac
install --directory --owner=billhook --group=billhook --mode=0700 /var/lib/billhook
sh -c 'set -a; BILLHOOK_DATA_DIR=/var/lib/billhook; . /etc/billhook/billhook.env
    exec setpriv --reuid=billhook --regid=billhook --clear-groups /opt/billhook/bin/billhook serve' \
    > /server.log 2>&1 &
for _ in $(seq 300); do
    ! billhook health --ready > /dev/null 2>&1 || exit 0
    sleep 0.1
done
cat /server.log
exit 1
END
chmod +x "$stand_ins"/*

{
    echo 'set -eux'
    cat
    echo 'stat --format="%a %U %n" /var/lib/billhook/setup.code'
    echo 'cd /etc/billhook; stat --format="%a %U %n" billhook.env'
} > "$scratch/root/commands"
cd "$release"
exec chroot "$scratch/root" env -i \
    PATH=/stand-ins:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
    PIP_NO_INDEX=1 PIP_FIND_LINKS="$release/../libraries" PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_COMPILE=1 \
    sh -c "cd '$release' && exec sh /commands" 2>&1

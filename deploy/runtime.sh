#!/bin/sh
# Puts together what a server needs to run, and nothing else, below the folder that is named: some
# packages of the system, and the environment in /usr/lib/perse. There is no shell, package manager
# or compiler among them. Run as root in a build of deploy/Containerfile.
set -eu
root=$1
environment=/usr/lib/perse

# --- the system ---
packages=$(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' \
    base-files media-types netbase tzdata ca-certificates libc6 'libgcc-s*' 'gcc-*-base' libstdc++6 \
    'python3*' 'libpython3*' zlib1g 'libssl3*' 'openssl-provider*' 'libffi*' 'libsqlite3-*' \
    'libbz2*' 'liblzma*' 'libexpat*' 'libzstd*' 'libuuid1*' 'libreadline8*' readline-common \
    libtinfo6 'libncurses*6' 'libcrypt1*' 'libnsl*' 'libtirpc*' \
    2>/dev/null | sed -n 's/^ii *//p' | grep -vE 'venv|pip|setuptools|dev$')
mkdir -p "$root/var/lib/dpkg" "$root/etc" "$root/tmp" "$root/proc" "$root/sys" "$root/dev"
chmod 1777 "$root/tmp"
for link in /bin /lib* /sbin; do
    if [ -L "$link" ]; then cp -a "$link" "$root/"; fi
done
# shellcheck disable=SC2086 # words are meant
dpkg-query -L $packages | sort -u \
    | grep -vE '^/(bin|lib[^/]*|sbin)$|/gconv|/share/(man|locale|info|lintian|bug|doc/.*[^t]$)' \
    | grep -vE '/(test|idlelib|ensurepip|pydoc_data|turtledemo|lib2to3)(/|$)' \
    | tar --create --no-recursion --ignore-failed-read --files-from - --directory / 2>/dev/null \
    | tar --extract --directory "$root"
# shellcheck disable=SC2086
dpkg-query -s $packages > "$root/var/lib/dpkg/status" # what scanners for known faults read
cp -a /etc/ssl /etc/ld.so.conf* /etc/localtime "$root/etc/"
ldconfig -r "$root"
printf 'root:x:0:0::/nonexistent:/nonexistent\nperse:x:10001:10001::/var/lib/perse:/nonexistent\n' \
    > "$root/etc/passwd"
printf 'root:x:0:\nperse:x:10001:\n' > "$root/etc/group"
printf 'passwd: files\ngroup: files\nhosts: files dns\n' > "$root/etc/nsswitch.conf"
install -d -o 10001 -g 10001 -m 0700 "$root/var/lib/perse"

# --- the environment ---
mkdir -p "$root$environment"
cp -a "$environment/." "$root$environment"
cd "$root$environment"/lib/python3*/site-packages
# Others' tests and tools; a second copy of the network runtime, for programs in C; databases that
# perse does not know; maps and headers for debuggers and compilers.
find . -type d \( -name tests -o -name test -o -name testing -path '*sqlalchemy*' \) -prune -exec rm -r {} +
rm -rf onnxruntime/transformers onnxruntime/tools onnxruntime/quantization onnxruntime/datasets \
    onnxruntime/capi/libonnxruntime.so.* onnx/reference onnx/bin numpy/f2py \
    sqlalchemy/dialects/mysql sqlalchemy/dialects/mssql sqlalchemy/dialects/oracle
find . \( -name '*.pyi' -o -name '*.pyx' -o -name '*.pxd' -o -name '*.h' -o -name '*.map' \) -delete
find sqlalchemy cryptography -name '*.so' -exec strip --strip-unneeded {} +

# Compiled is what perse loads: a container that is read-only could not keep it. That everything can
# be loaded shows that nothing is missing.
find "$root" -name __pycache__ -prune -exec rm -r {} +
chroot "$root" "$environment/bin/python" -I - <<'END'
import importlib, pkgutil
import perse

ABSENT = {"matplotlib", "jinja2", "markupsafe"}  # of the extra `evaluate`, for reports
names = [it.name for it in pkgutil.walk_packages(perse.__path__, "perse.")]
names += ["psycopg", "psycopg_binary", "sqlalchemy.dialects.sqlite", "sqlalchemy.dialects.postgresql"]
names += ["uvicorn.protocols.http.h11_impl", "uvicorn.lifespan.on", "encodings.idna"]
for name in names:
    if name == "perse.__main__" or ".migrations." in name:
        continue
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as missing:
        if missing.name.partition(".")[0] not in ABSENT:
            raise
END

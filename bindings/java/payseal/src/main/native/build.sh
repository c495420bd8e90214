#!/bin/sh
# Compiles the JNI side and links it with libpayseal.a into one library: build.sh INCLUDE_DIR LIBPAYSEAL_A OUTPUT_DIR
# Called by Maven, which sets JAVA_HOME. Does nothing when the output is newer than what it is made of.
set -eu
include=$1 archive=$2
sources=$(dirname "$0")
folder=$3/linux-$(uname -m)
library=$folder/libpayseal_jni.so

[ -f "$archive" ] || { echo "payseal: $archive is missing: run 'make build' first" >&2; exit 1; }

fresh=true
for source in "$sources"/* "$include/payseal.h" "$archive"; do
  [ "$library" -nt "$source" ] || fresh=false
done
if $fresh; then exit 0; fi

mkdir -p "$folder"
${CC:-gcc} -std=c11 -O2 -g0 -fPIC -shared -fvisibility=hidden -fstack-protector-strong \
  -Wall -Wextra -Wpedantic -Wconversion -Werror \
  -I"$include" -I"$JAVA_HOME/include" -I"$JAVA_HOME/include/linux" \
  "$sources"/*.c "$archive" \
  -Wl,--version-script="$sources/exports.map" -Wl,--gc-sections -Wl,--strip-all -Wl,-z,defs -Wl,-z,relro -Wl,-z,now \
  -lpthread -ldl -lm \
  -o "$library.new"
mv "$library.new" "$library"

#!/bin/sh
# Makes a cluster's own authority, then a certificate of it for each NAME: sh certificates.sh scheduler scanner worker-dmz
# Whoever has one of these certificates may run programs in the cluster: give each machine its own, keep ca.key elsewhere.
set -eu
umask 077
days=${DAYS:-365}
if [ ! -e ca.key ]; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj "/CN=archscan cluster" \
        -addext "basicConstraints=critical,CA:TRUE" -addext "keyUsage=critical,keyCertSign" -keyout ca.key -out ca.pem
fi
for name; do
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$name" -keyout "$name.key" -out "$name.csr"
    openssl x509 -req -in "$name.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days "$days" -out "$name.pem"
    rm "$name.csr"
done

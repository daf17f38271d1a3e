#!/bin/sh
# Runs at the start of the nginx image: fills the application's addresses into deploy/nginx.conf, and logs to docker.
set -eu
: "${UPSTREAM:?the addresses of the application, such as 172.30.87.10:8000}"
servers=
for address in $UPSTREAM; do
    servers="$servers server $address;"
done
sed -e "s|server 127\.0\.0\.1:8000;|${servers# }|" \
    -e 's|access_log /var/log/nginx/wordai_jobs\.log |access_log /dev/stdout |' \
    "${SITE:-/etc/nginx/wordai-jobs.conf}" >"${TARGET:-/etc/nginx/conf.d/default.conf}"

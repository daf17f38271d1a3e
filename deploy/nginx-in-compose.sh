#!/bin/sh
# Run by the nginx image at its start: deploy/nginx.conf with the application's address, and its log where docker reads it.
set -eu
: "${UPSTREAM:?the address of the application, as in 172.30.87.10:8000}"
sed -e "s|server 127\.0\.0\.1:8000;|server $UPSTREAM;|" \
    -e 's|access_log /var/log/nginx/wordai_jobs\.log |access_log /dev/stdout |' \
    "${SITE:-/etc/nginx/wordai-jobs.conf}" >"${TARGET:-/etc/nginx/conf.d/default.conf}"

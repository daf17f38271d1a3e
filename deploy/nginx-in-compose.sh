#!/bin/sh
# Starts nginx in its container, as any user and with a read-only root: fills the addresses of the application into
# deploy/nginx.conf, logs to docker, and writes only into /tmp.
set -eu
: "${UPSTREAM:?the addresses of the application, such as 172.30.87.10:8000}"
target=${TARGET:-/tmp}
servers=
for address in $UPSTREAM; do
    servers="$servers server $address;"
done
sed -e "s|server 127\.0\.0\.1:8000;|${servers# }|" \
    -e 's|access_log /var/log/nginx/wordai_jobs\.log |access_log /dev/stdout |' \
    "${SITE:-/etc/nginx/wordai-jobs.conf}" >"$target/site.conf"
cat >"$target/nginx.conf" <<CONFIGURATION
worker_processes auto;
pid $target/nginx.pid;
error_log /dev/stderr warn;
events { worker_connections 1024; }
http {
    include /etc/nginx/mime.types;
    default_type application/octet-stream;
    client_body_temp_path $target/body;
    proxy_temp_path $target/proxy;
    fastcgi_temp_path $target/fastcgi;
    uwsgi_temp_path $target/uwsgi;
    scgi_temp_path $target/scgi;
    include $target/site.conf;
}
CONFIGURATION
exec nginx -e /dev/stderr -c "$target/nginx.conf" -g 'daemon off;' "$@"

"""sh that asks an HTTP server of the host itself with whatever program the host has for it."""

from __future__ import annotations

HTTP_GET = r"""
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY
http_get() {
  if command -v curl >/dev/null 2>&1; then curl -q -gsf -m 3 "http://$1$2"
  elif command -v wget >/dev/null 2>&1; then timeout 4 wget -q -T 3 -O - "http://$1$2"
  elif command -v bash >/dev/null 2>&1; then
    to=${1%:*}; to=${to#[}; to=${to%]}
    timeout 4 bash -c 'exec 3<>"/dev/tcp/$0/$1" && printf "GET %s HTTP/1.0\r\n\r\n" "$2" >&3 && cat <&3' \
      "$to" "${1##*:}" "$2" | {
      IFS= read -r status
      case $status in "HTTP/1."?" 2"*) tr -d '\r' | sed '1,/^$/d' ;; *) exit 22 ;; esac
    }
  else echo "neither curl nor wget nor bash on this host"; return 127
  fi
}
tcp_answers() {
  if command -v bash >/dev/null 2>&1; then timeout 2 bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$1" "$2" 2>/dev/null
  elif command -v curl >/dev/null 2>&1; then
    case $1 in *:*) set -- "[$1]" "$2" ;; esac
    curl -q -gsk -m 2 -o /dev/null "https://$1:$2/version"
  else echo "neither bash nor curl on this host"; return 127
  fi
}
"""
"""Functions `http_get HOST:PORT PATH` (prints the body, fails unless the status is 2xx) and `tcp_answers HOST PORT`.

A proxy of the environment is for the world outside, and would hide what the host itself answers.
"""

"""The controller's template of nginx.conf, made to fit Debian's nginx.

The template is written for an nginx that its authors build themselves: with Lua for streams, and with
directives that newer releases of nginx no longer know.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# In the order they must be loaded in: the others are built on the development kit, njs on stream.
_MODULES = (
    "ndk_http",
    "ngx_http_lua",
    "ngx_http_headers_more_filter",
    "ngx_http_set_misc",
    "ngx_stream",
    "ngx_stream_js",
)
_LOADED = "".join(f"load_module /etc/nginx/modules/{name}_module.so;\n" for name in _MODULES)

_BALANCER = """js_path "/etc/nginx/";
    js_import l4 from l4.js;
    js_shared_dict_zone zone=l4_peers:4m;
    js_shared_dict_zone zone=l4_turns:1m type=number;
    js_set $l4_peer l4.peer;
"""

_RECEIVER = """server {
        listen 127.0.0.1:{{ .StreamPort }};
        access_log off;
        set $proxy_upstream_name "-";
        preread_buffer_size 1m;
        preread_timeout 10s;
        js_preread l4.receive;
        return "";
    }
"""


@dataclass(frozen=True)
class _Edit:
    """`times`: how often the pattern must occur, so that another version of the template is noticed."""

    pattern: str
    replacement: str
    times: int = 1


_EVERYWHERE = (
    _Edit(r"^pid .*\n", rf"\g<0>\n{_LOADED}"),
    # The directories that Debian's nginx would take instead are root's.
    _Edit(r"^( *)proxy_temp_path( +)(\S+)/proxy-temp;\n",
          r"\g<0>\1uwsgi_temp_path\2\3/uwsgi-temp;\n\1scgi_temp_path\2\3/scgi-temp;\n"),
    # Obsolete since nginx 1.19.7 and 1.25.1.
    _Edit(r"\{\{ if and \(ne \$cfg\.HTTP2MaxHeaderSize[\s\S]*?(?=http2_max_concurrent_streams)", ""),
    _Edit(r"\{\{ if \$location\.HTTP2PushPreload \}\}[\s\S]*?\{\{ end \}\}", ""),
)  # fmt: skip

_OF_STREAMS = (
    _Edit(r"lua_package_path [^\n]*\n\s*lua_shared_dict [^\n]*\n", _BALANCER),
    _Edit(r"init_by_lua_block \{[\s\S]*?lua_add_variable [^\n]*\n", ""),
    _Edit(r"upstream upstream_balancer \{[\s\S]*?(?=\s+# TCP services)", _RECEIVER),
    _Edit(r"preread_by_lua_block \{\s*ngx\.var\.proxy_upstream_name=([^\n]*)\s*\}", r"set $proxy_upstream_name \1", 2),
    _Edit(r"(proxy_pass +)upstream_balancer;", r"\1$l4_peer;", 2),
)


def fitted(template: str) -> str:
    """The template for Debian's nginx. Raises OSError when it is of another version than the one known here."""
    for edit in _EVERYWHERE:
        template = _edited(template, edit)
    before, opening, rest = template.partition("\nstream {")
    streams, closing, after = rest.partition("\n}\n")
    for edit in _OF_STREAMS:
        streams = _edited(streams, edit)
    if "lua" in streams:
        raise OSError("nginx.tmpl: Lua is left in the part for streams")
    return "".join((before, opening, streams, closing, after))


def _edited(text: str, edit: _Edit) -> str:
    edited, times = re.subn(edit.pattern, edit.replacement, text, flags=re.MULTILINE)
    if times != edit.times:
        raise OSError(f"nginx.tmpl: {edit.pattern!r} occurs {times} times, not {edit.times}")
    return edited

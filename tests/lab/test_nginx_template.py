from __future__ import annotations

import pytest

from k8snet_provision.lab.nginx_template import fitted

# What the edits look for, in the order and with the indentation of the controller's template.
TEMPLATE = """
pid {{ .PID }};
http {
    proxy_temp_path                 /tmp/nginx/proxy-temp;
    {{ if and (ne $cfg.HTTP2MaxHeaderSize "") (ne $cfg.HTTP2MaxFieldSize "") }}
    http2_max_field_size            {{ $cfg.HTTP2MaxFieldSize }};
    {{ end }}
    http2_max_concurrent_streams    {{ $cfg.HTTP2MaxConcurrentStreams }};
    init_by_lua_block { of_http() }
    {{ if $location.HTTP2PushPreload }}
    http2_push_preload on;
    {{ end }}
    port_in_redirect off;
}
stream {
    lua_package_path "/etc/nginx/lua/?.lua;;";

    lua_shared_dict tcp_udp_configuration_data 5M;
    {{ buildResolvers }}
    init_by_lua_block { a() }
    lua_add_variable $proxy_upstream_name;
    log_format log_stream x;
    upstream upstream_balancer {
        balancer_by_lua_block { b() }
    }
    server {
        content_by_lua_block { c() }
    }

    # TCP services
    server {
        preread_by_lua_block {
            ngx.var.proxy_upstream_name="tcp-x";
        }
        proxy_pass              upstream_balancer;
    }
    server {
        preread_by_lua_block {
            ngx.var.proxy_upstream_name="udp-x";
        }
        proxy_pass              upstream_balancer;
    }
}
{{/* definition of templates */}}
{{ define "SERVER" }} by_lua {{ end }}
"""


def test_modules_are_loaded_with_the_development_kit_first() -> None:
    loaded = [line for line in fitted(TEMPLATE).splitlines() if line.startswith("load_module")]
    assert loaded[0].endswith("/ndk_http_module.so;")
    assert loaded.index("load_module /etc/nginx/modules/ngx_stream_module.so;") < loaded.index(
        "load_module /etc/nginx/modules/ngx_stream_js_module.so;"
    )


def test_streams_are_balanced_without_lua() -> None:
    streams = fitted(TEMPLATE).partition("\nstream {")[2].partition("\n}\n")[0]
    assert "lua" not in streams
    assert streams.count("proxy_pass              $l4_peer;") == 2
    assert 'set $proxy_upstream_name "tcp-x";' in streams
    assert "listen 127.0.0.1:{{ .StreamPort }};" in streams
    assert streams.index("{{ buildResolvers }}") < streams.index("log_format log_stream x;")


def test_lua_of_http_stays() -> None:
    text = fitted(TEMPLATE)
    assert "init_by_lua_block { of_http() }" in text
    assert '{{ define "SERVER" }} by_lua {{ end }}' in text


def test_directives_that_nginx_no_longer_knows_are_gone_and_their_neighbours_stay() -> None:
    text = fitted(TEMPLATE)
    assert "HTTP2Max" not in text.replace("HTTP2MaxConcurrentStreams", "")
    assert "http2_push" not in text
    assert "http2_max_concurrent_streams    {{ $cfg.HTTP2MaxConcurrentStreams }};" in text
    assert "port_in_redirect off;" in text


def test_temporary_files_stay_where_the_user_may_write() -> None:
    assert "    uwsgi_temp_path                 /tmp/nginx/uwsgi-temp;\n" in fitted(TEMPLATE)


@pytest.mark.parametrize("line", ["pid {{ .PID }};", "    proxy_pass              upstream_balancer;"])
def test_a_template_of_another_version_is_refused(line: str) -> None:
    with pytest.raises(OSError, match="occurs"):
        fitted(TEMPLATE.replace(line, "", 1))
    with pytest.raises(OSError, match="occurs"):
        fitted(TEMPLATE.replace(line, f"{line}\n{line}", 1))

"""Inventories in YAML and JSON, each by the rule it is about; a case is a mapping of file names to contents."""

CASES: dict[str, dict[str, str]] = {
    "one host": {"hosts.yml": "all:\n  hosts:\n    a:\n"},
    "hosts of all are ungrouped": {"hosts.yml": "all:\n  hosts:\n    a: {x: 1}\n    b: {}\n"},
    "groups, children, vars": {
        "hosts.yml": """
all:
  vars: {level: all, top: 1}
  children:
    cluster:
      vars: {level: cluster}
      children:
        kube_control_plane:
          hosts: {cp1: {ansible_host: 10.0.0.1}, cp2: {level: host}}
        kube_node:
          vars: {level: node}
          hosts:
            n1:
            n2: {ansible_port: 2222}
""",
    },
    "groups on top beside all": {"hosts.yaml": "web:\n  hosts: {a: }\ndb:\n  hosts: {a: , b: }\n  vars: {x: 1}\n"},
    "a group in two parents": {
        "hosts.yml": "p1: {children: {c: }, vars: {v: p1}}\np2: {children: {c: {hosts: {a: }}}, vars: {v: p2}}\n",
    },
    "deeper wins over shallower": {
        "hosts.yml": """
z: {vars: {v: z}, hosts: {h: }}
a: {vars: {v: a}, children: {b: {vars: {v: b}, children: {c: {vars: {v: c}, hosts: {h: }}}}}}
""",
    },
    "same depth goes by name": {"hosts.yml": "b: {vars: {v: b}, hosts: {h: }}\na: {vars: {v: a}, hosts: {h: }}\n"},
    "priority wins over name": {
        "hosts.yml": """
a: {vars: {v: a, ansible_group_priority: 10}, hosts: {h: }}
b: {vars: {v: b, ansible_group_priority: "2"}, hosts: {h: }}
""",
    },
    "priority loses to depth": {
        "hosts.yml": """
a: {vars: {v: a, ansible_group_priority: 10}, hosts: {h: }, children: {c: {hosts: {h: }, vars: {v: c}}}}
""",
    },
    "depth grows when a parent comes late": {
        "hosts.yml": """
c: {vars: {v: c}, hosts: {h: }}
b: {vars: {v: b}, hosts: {h: }}
a: {children: {m: {children: {b: }}}}
""",
    },
    "a whole value is replaced": {
        "hosts.yml": "all: {vars: {m: {a: 1, b: 2}, l: [1]}, hosts: {h: {m: {c: 3}, l: [2]}}}\n",
    },
    "sections as strings": {"hosts.yml": "web:\n  hosts: a\n  children: inner\ninner:\n  hosts: b\n"},
    "null sections": {"hosts.yml": "all:\n  hosts:\n  children:\n    web:\n    db:\n      hosts: {a: }\n      vars:\n"},
    "an empty group": {"hosts.yml": "all: {hosts: {a: }, children: {web: , db: {}}}\n"},
    "host in all and in a group": {"hosts.yml": "all: {hosts: {a: {x: 1}, b: }, children: {web: {hosts: {a: }}}}\n"},
    "host in ungrouped and in a group": {"hosts.yml": "ungrouped: {hosts: {a: , b: }}\nweb: {hosts: {a: }}\n"},
    "vars of ungrouped": {"hosts.yml": "ungrouped: {hosts: {a: }, vars: {x: 1}}\n"},
    "numeric range": {"hosts.yml": "web: {hosts: {'w[1:3].lab': {x: 1}, 'p[01:10:3]': , 'n[8:11]': }}\n"},
    "letter range": {"hosts.yml": "web: {hosts: {'w[a:e:2]': , 'x[Y:Z]': , 'm[y:B]': }}\n"},
    "two ranges": {"hosts.yml": "web: {hosts: {'r[1:2]-[a:b].x': }}\n"},
    "range from nothing": {"hosts.yml": "web: {hosts: {'r[:2]': }}\n"},
    "host with port": {"hosts.yml": "web: {hosts: {'a:2222': , 'b[1:2]:22': , '[::1]:2022': , '10.0.0.1:23': }}\n"},
    "port of a known host": {
        "hosts.yml": "web: {hosts: {a: , 'a:2222': }}\ndb: {hosts: {'b:22': {ansible_port: 23}}}\n"
    },
    "IPv6 names": {"hosts.yml": "web: {hosts: {'2001:db8::1': , '::1': , 'fe80::1:22': }}\n"},
    "names that are no DNS names": {
        "hosts.yml": "web: {hosts: {'a_b:22': , 'a-:22': , 'ü.lab': , 'a b': , '/c': , a/b: }}\n"
    },
    "a variable set twice in files of one group": {
        "hosts.yml": "web: {hosts: {a: {x: 1, y: {a: 1}}}}\ndb: {hosts: {a: {x: 2, y: {b: 1}}}}\n",
    },
    "words that are booleans": {
        "hosts.yml": "all: {hosts: {a: {v: [yes, No, on, OFF, true, FALSE, y, n, Y, 'yes', tRUE]}}}\n",
    },
    "numbers": {
        "hosts.yml": """
all: {hosts: {a: {ints: [0, -1, +2, 0777, 0o777, 0x1F, 0b101, 1_000, 08, 190:20:30, 1:30, 12:99, 0x, 1__0]}}}
""",
    },
    "floats": {
        "hosts.yml": """
all: {hosts: {a: {v: [1.5, .5, 1., 1e3, 1.0e+3, 1.0e3, -1_0.5, 1:30.5, .inf, -.INF, 1.2.3, '.', 1.5e, _1]}}}
""",
    },
    "nothing": {"hosts.yml": "all: {hosts: {a: {v: [~, null, Null, NULL, '', 'null', nULL], w: , x: !!null x}}}\n"},
    "dates": {
        "hosts.yml": """
all:
  hosts:
    a:
      v: [2024-01-31, 2024-1-31, 2024-01-31T10:20:30Z, 2024-01-31 10:20:30.5 +01:30, 2024-01-31t10:20:30-0030]
      w: [2024-01-31 10:20:30.123456789, 2024-01-31 1:20:30, 2024-01-31 10:20]
""",
    },
    "explicit tags": {
        "hosts.yml": """
all:
  hosts:
    a: {s: !!str 5, i: !!int "0x10", f: !!float 1, b: !!bool "on", t: !!str yes, bang: ! 5, set: !!set {x}, m: !!map {}}
""",
    },
    "anchors and merge keys": {
        "hosts.yml": """
x: &defaults {}
all:
  vars:
    base: &base {a: 1, b: 2}
    more: &more {b: 3, c: 4}
    one: {<<: *base, b: 9}
    two: {<<: [*base, *more], d: 5}
    last: {z: 0, <<: *more, y: 1}
    chain: &chain {<<: *base, e: 6}
    far: {<<: *chain}
    text: &text abc
    again: [*text, *text]
  hosts: {h: }
""",
    },
    "block scalars": {
        "hosts.yml": """
all:
  vars:
    literal: |
      a
        b

    folded: >-
      one
      two
    keep: |+
      x

    quoted: "a\\tb\\u00e9\\n"
    single: 'it''s'
    plain: two
      lines
  hosts: {h: }
""",
    },
    "unsafe strings": {
        "hosts.yml": """
all:
  vars: {u: !unsafe "{{ x }}", deep: !unsafe {a: ["{{ y }}", 1]}, num: !unsafe 5, quoted: !unsafe "7"}
  hosts: {h: {mine: !unsafe "{% z %}"}}
""",
    },
    "templates stay as they are": {"hosts.yml": "all: {vars: {a: '{{ b }}', b: 1}, hosts: {h: {c: '{{ a }}'}}}\n"},
    "keys that are no strings": {"hosts.yml": "all: {hosts: {h: {m: {1: a, true: b, null: c, 1.5: d, 2: {3: e}}}}}\n"},
    "a variable name with a dash": {"hosts.yml": "all: {hosts: {h: {my-var: 1, 'x y': 2, class: 3}}}\n"},
    "a group name with a dash": {
        "hosts.yml": "all: {children: {web-servers: {hosts: {a: }}, 'k8s.x': {hosts: {b: }}}}\n"
    },
    "unicode": {"hosts.yml": "all: {children: {größe: {hosts: {hôte: {ключ: 'значение ☃'}}}}}\n"},
    "byte order mark": {"hosts.yml": "\ufeffall: {hosts: {a: {x: 1}}}\n"},
    "document marks": {"hosts.yml": "%YAML 1.1\n---\nall: {hosts: {a: {x: 010}}}\n...\n"},
    "windows line ends": {"hosts.yml": "all:\r\n  hosts:\r\n    a:\r\n      x: |\r\n        l1\r\n        l2\r\n"},
    "a group named like a host": {"hosts.yml": "lb: {hosts: {lb: {x: 1}, b: }}\n"},
    "connection variables": {
        "hosts.yml": """
all:
  vars: {ansible_user: root, ansible_become: yes, ansible_ssh_common_args: "-o ProxyJump=u@b:22"}
  hosts: {a: {ansible_host: 10.0.0.1, ansible_port: 22, ansible_connection: ssh, ansible_facts: {x: 1}, groups: 3}}
""",
    },
    "JSON": {
        "hosts.json": """{"all": {"hosts": {"a": {"n": 1e3, "s": "x\\/\\ud83d\\ude00", "t": true, "z": null}},
\t"children": {"web": {"hosts": {"a": null, "b[1:2]": {"l": [1, {"k": []}], "f": -1.5}}}}}}""",
    },
    "JSON with tagged strings": {
        "hosts.json": '{"all": {"hosts": {"a": {"u": {"__ansible_unsafe": "{{ x }}"}, "v": {"other": "y"}}}}}',
    },
    "JSON under a YAML name": {"hosts.yml": '{"all": {"hosts": {"a": {"n": 1e3}}}}'},
    "flow mapping that is no JSON": {"hosts.yml": "{all: {hosts: {a: {n: 1e3}}}}"},
}

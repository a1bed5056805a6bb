"""Inventory directories: several files, group_vars and host_vars, what is ignored, precedence between files."""

_WEB = "[web]\na\nb\n[web:vars]\nv=inventory\nw=inventory\n"
_GROUPS = (
    "p: {vars: {v: inv_p}, children: {c: {vars: {v: inv_c}, hosts: {h: {v: inv_h}, i: }}}}\nall: {vars: {v: inv_all}}\n"
)

CASES: dict[str, dict[str, str]] = {
    "several files": {"01-hosts.yml": "web: {hosts: {a: {x: 1}}}\n", "02-more": "[web]\na x=2\nb\n[db]\na\n"},
    "files in order of names": {"b.yml": "all: {hosts: {h: {v: b}}}\n", "a.yml": "all: {hosts: {h: {v: a}}}\n"},
    "capitals come first": {"B.yml": "all: {hosts: {h: {v: B}}}\n", "a.yml": "all: {hosts: {h: {v: a}}}\n"},
    "vars of all in two files": {
        "1.yml": "all: {vars: {x: 1, y: 1}, hosts: {a: }}\n",
        "2.yml": "all: {vars: {y: 2, z: 2}}\n",
        "group_vars/all.yml": "z: 3\n",
    },
    "ignored names": {
        "hosts": "a\n",
        **dict.fromkeys(("x.txt", "y.md", "z.rst", "o.orig", "b.bak", "h~", ".hidden", "c.cfg", "r.retry"), "bad ]\n["),
        **dict.fromkeys(("p.pyc", "q.pyo", "s.swp", "t.rpm"), "bad ]\n["),
    },
    "nested directories": {"hosts": "a x=1\n", "sub/more.yml": "web: {hosts: {a: {x: 2}, b: }}\n", "sub/deep/x": "c\n"},
    "an empty file beside": {"hosts": "a\n", "empty.yml": "", "comments": "# nothing\n", "empty2": ""},
    "group_vars file": {"hosts": _WEB, "group_vars/web.yml": "v: beside\nl: [1]\n"},
    "group_vars without ending": {"hosts": _WEB, "group_vars/web": "v: beside\n"},
    "group_vars .yaml": {"hosts": _WEB, "group_vars/web.yaml": "v: beside\n"},
    "group_vars .json": {"hosts": _WEB, "group_vars/web.json": '{"v": "beside", "f": 1e3}\n'},
    "the first ending wins": {
        "hosts": _WEB,
        "group_vars/web.yml": "v: yml\n",
        "group_vars/web.yaml": "v: yaml\n",
        "group_vars/all": "x: none\n",
        "group_vars/all.yml": "x: yml\n",
        "host_vars/a.json": '{"y": "json"}',
        "host_vars/a.yaml": "y: yaml\n",
    },
    "group_vars directory": {
        "hosts": _WEB,
        "group_vars/web/10.yml": "v: ten\nw: ten\n",
        "group_vars/web/20": "v: twenty\n",
        "group_vars/web/30.json": '{"z": 1}',
        "group_vars/web/40.txt": "v: no\n",
        "group_vars/web/.hidden.yml": "v: no\n",
        "group_vars/web/backup.yml~": "v: no\n",
        "group_vars/web/sub/50.yml": "v: fifty\n",
        "group_vars/web/dotted.d/60.yml": "v: no\n",
    },
    "a directory wins over a file": {
        "hosts": _WEB,
        "group_vars/web/x.yml": "v: dir\n",
        "group_vars/web.yml": "v: file\n",
    },
    "host_vars": {"hosts": _WEB, "host_vars/a.yml": "v: host\n", "host_vars/b/x.yml": "w: host\n"},
    "host_vars of a fully qualified name": {"hosts": "n1.lab.example\n", "host_vars/n1.lab.example.yml": "x: 1\n"},
    "precedence of everything": {
        "hosts.yml": _GROUPS,
        "group_vars/all.yml": "v: gv_all\n",
        "group_vars/p.yml": "v: gv_p\n",
        "group_vars/c.yml": "v: gv_c\n",
        "host_vars/h.yml": "v: hv_h\n",
    },
    "group_vars of all win over inventory groups": {"hosts.yml": _GROUPS, "group_vars/all.yml": "v: gv_all\n"},
    "group_vars of a parent win over the inventory's child": {"hosts.yml": _GROUPS, "group_vars/p.yml": "v: gv_p\n"},
    "inventory host wins over group_vars": {"hosts.yml": _GROUPS, "group_vars/c.yml": "v: gv_c\n"},
    "group_vars priority has no effect": {
        "hosts": "[a]\nh\n[b]\nh\n",
        "group_vars/a.yml": "ansible_group_priority: 10\nv: a\n",
        "group_vars/b.yml": "v: b\n",
    },
    "group_vars of ungrouped": {"hosts": "a\n[web]\nb\n", "group_vars/ungrouped.yml": "x: 1\n"},
    "group_vars of unknown groups": {"hosts": "a\n", "group_vars/nobody.yml": "x: 1\n", "host_vars/none.yml": "x: 1\n"},
    "empty variable files": {"hosts": "[web]\na\n", "group_vars/web.yml": "", "host_vars/a.yml": "# nothing\n"},
    "dict is replaced by files": {
        "hosts": "[web]\na\n",
        "group_vars/all.yml": "m: {x: 1, y: 2}\n",
        "group_vars/web.yml": "m: {z: 3}\n",
    },
    "dashes in group_vars": {"hosts": "[kube-node]\na\n", "group_vars/kube-node.yml": "x: 1\n"},
    "kubespray's layout": {
        "inventory.ini": """
[kube_control_plane]
node1 ansible_host=95.54.0.12 ip=10.3.0.1 etcd_member_name=etcd1
[etcd:children]
kube_control_plane
[kube_node]
node2 ansible_host=95.54.0.15
[k8s_cluster:children]
kube_control_plane
kube_node
""",
        "group_vars/all/all.yml": "bin_dir: /usr/local/bin\nloadbalancer_apiserver_port: 6443\n",
        "group_vars/k8s_cluster/k8s-cluster.yml": 'kube_service_addresses: 10.233.0.0/18\nkube_version: "1.33.1"\n',
        "group_vars/etcd.yml": "etcd_deployment_type: host\n",
    },
    "a single file": {
        "only/hosts.yml": "web: {hosts: {a: }}\n",
        "only/group_vars/web.yml": "x: 1\n",
        "@": "only/hosts.yml",
    },
    "a single file that a directory would ignore": {
        "hosts.txt": "[web]\na\n",
        "host_vars/a.yml": "x: 1\n",
        "@": "hosts.txt",
    },
    "a single hidden file": {".hosts.yml": "all: {hosts: {a: {x: 1}}}\n", "@": ".hosts.yml"},
}

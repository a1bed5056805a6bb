"""Inventories in INI, each by the rule it is about; a case is a mapping of file names to contents."""

CASES: dict[str, dict[str, str]] = {
    "INI: hosts outside of groups": {"hosts": "a\nb ansible_host=10.0.0.2\n"},
    "INI: groups": {"hosts": "a\n[web]\nb\nc\n[db]\nc\n"},
    "INI: children": {
        "hosts": "[cluster:children]\nkube_control_plane\nkube_node\n[kube_node]\nn1\n[kube_control_plane]\nc1\n",
    },
    "INI: children before and after": {
        "hosts": """
[z]
h
[top:children]
late
z
mid
[mid:children]
late
[late]
l1
[other:children]
top
""",
    },
    "INI: pending children of pending children": {
        "hosts": "[a:children]\nb\n[b:children]\nc\n[c:children]\nd\n[d]\nx\n[a:vars]\nv=a\n[c:vars]\nv=c\n",
    },
    "INI: vars before the group": {"hosts": "[web:vars]\nx=1\n[web]\na\n"},
    "INI: vars, then a child, then the group": {"hosts": "[web:vars]\nx=1\n[all2:children]\nweb\n[web]\na\n"},
    "INI: a group only by its vars and children": {
        "hosts": "[p:children]\nc\n[c:children]\nd\n[d]\nh\n[p:vars]\nx=1\n"
    },
    "INI: the same group twice": {"hosts": "[web]\na x=1\n[db]\nb\n[web]\nc\na y=2\n"},
    "INI: hosts section": {"hosts": "[web:hosts]\na\n"},
    "INI: all and ungrouped": {"hosts": "[all]\na\n[ungrouped]\nb\n[all:vars]\nx=1\n[web]\nb\n"},
    "INI: values on host lines": {
        "hosts": """a i=1 neg=-1 f=1.5 t=True low=true yes=yes n=None s=text q="two words" e= o=0777 h=0x1f u=1_000
b list="[1, 'x', (2, 3)]" dict="{'a': 1, 'b': [None]}" set="{1}" str="'5'" cplx=1j dots=... bytes="b'x'" eq=a=b
c tuple="(1, 2)" neg2="- 1" plus=1+1 name=__import__ path=/a/b ip=10.0.0.1 dash=-o exp=1e3 inf=1e999
""",
    },
    "INI: values in vars sections": {
        "hosts": """[web]
a
[web:vars]
i=5
b=False
s = spaced out value
l=[1, 2]
c=5 # five
d=abc # kept
e="x" # gone
f="quoted words"
g=
h={'a': {'b': 1}}
k = a = b
m='it''s'
""",
    },
    "INI: comments": {
        "hosts": "# top\n; also\n[web] # trailing\na # comment\nb x=1#2 # c\n  # indented\n[db]   \nc;d\n"
    },
    "INI: quoting on host lines": {"hosts": "a x='a b' y=\"c 'd'\" z=e\\ f w=\"\\\"q\\\"\" v='#no'\n"},
    "INI: ranges": {"hosts": "[web]\nw[01:20:5].lab x=1\nx[a:c]\ny[1:2][a:b]:2222\nz[08:11]\n"},
    "INI: ports": {"hosts": "a:22\nb:2222 ansible_port=23\n[::1]:22\n[fe80::1]:23\n10.0.0.1:24\n[web]\na:99\n"},
    "INI: IPv6 and addresses": {"hosts": "2001:db8::1\n10.0.0.1\n::1\n"},
    "INI: a variable with an equals sign": {"hosts": 'a ansible_ssh_common_args="-o ProxyJump=u@h -o Port=1"\n'},
    "INI: dashes in names": {"hosts": "[kube-node]\nnode-1\n[kube-node:vars]\nmy-var=1\n"},
    "INI: group priority": {
        "hosts": "[a]\nh\n[b]\nh\n[a:vars]\nv=a\nansible_group_priority=10\n[b:vars]\nv=b\n",
    },
    "INI: unicode": {"hosts": "[größe]\nhôte schlüssel='wért ☃'\n"},
    "INI: empty lines and spaces": {"hosts": "\n\n   [web]\n   a   x=1   y=2  \n\t b\n"},
    "INI: no newline at the end": {"hosts": "[web]\na\n[web:vars]\nx=1"},
    "INI: an .ini name": {"site.ini": "[web]\na: 1\n".replace("a: 1", "a")},
    "INI: any ending": {"cluster.prod": "[web]\na\n"},
    "INI: under a YAML name": {"hosts.yml": "[web]\na x=1\n"},
    "INI: windows line ends": {"hosts": "[web]\r\na x=1\r\n[web:vars]\r\ny=2\r\n"},
    "YAML without an ending": {"hosts": "all:\n  hosts:\n    a: {x: 1}\n"},
    "YAML without an ending, with marks": {"hosts": "---\n# c\nall: {hosts: {a: {x: 1}}}\n"},
    "INI: like ansible's own example": {
        "hosts": """
green.example.com
192.168.100.1
[webservers]
alpha.example.org
www[001:006].example.com
[dbservers]
db01.intranet.mydomain.net
db-[99:101]-node.example.com
[usa:children]
webservers
dbservers
[usa:vars]
some_server=foo.southeast.example.com
halon_system_timeout=30
escape_pods=2
""",
    },
}

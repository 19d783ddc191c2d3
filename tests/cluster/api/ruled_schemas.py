"""Schemas with the kinds of CEL rules that the definitions of well-known projects have."""

from tests.cluster.api.definition_rules import (
    NUMBER,
    TEXT,
    a_list,
    a_map,
    an_object,
    keyed_list,
    rule,
    with_rules,
)

QUANTITY = {"x-kubernetes-int-or-string": True, "maxLength": 20}
JOBSET = an_object(
    spec=with_rules(
        an_object(
            replicatedJobs=with_rules(
                keyed_list("name", name=TEXT, replicas=NUMBER, groupName=TEXT),
                rule("size(self) <= 3", message="at most three replicated jobs"),
                "self.all(j, !has(j.replicas) || j.replicas >= 0)",
                "self.exists_one(j, j.name == 'leader')",
            ),
            suspend={"type": "boolean"},
            network=with_rules(
                an_object(subdomain=TEXT, enableDNSHostnames={"type": "boolean"}),
                rule("self == oldSelf", message="Value is immutable"),
            ),
            managedBy=with_rules(
                TEXT, rule("self == oldSelf", message="Value is immutable", reason="FieldValueForbidden")
            ),
            ttl=NUMBER,
        ),
        rule(
            "!has(self.ttl) || has(self.suspend)",
            message="ttl needs suspend",
            reason="FieldValueRequired",
            fieldPath=".suspend",
        ),
        "!(has(self.suspend) && self.suspend) || size(self.replicatedJobs) > 0",
    )
)
SERVER = an_object(
    spec=with_rules(
        an_object(
            replicas=with_rules(
                NUMBER,
                rule(
                    "self >= oldSelf",
                    messageExpression="oldSelf == 3 ? 'cannot shrink from three' : ''",
                ),
            ),
            limits=with_rules(
                a_map(QUANTITY), "!('cpu' in self) || quantity(string(self['cpu'])).isLessThan(quantity('8'))"
            ),
            memory=TEXT,
            requested=TEXT,
            name=with_rules(
                TEXT,
                "self.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
                rule("!self.startsWith('x')", reason="FieldValueDuplicate"),
            ),
            port={"x-kubernetes-int-or-string": True},
            share={"type": "number"},
        ),
        rule(
            "!has(self.memory) || quantity(self.requested).compareTo(quantity(self.memory)) <= 0",
            messageExpression="'%s is more than %s'.format([self.requested, self.memory])",
            fieldPath=".requested",
        ),
        "!has(self.port) || (type(self.port) == string ? self.port.endsWith('p') : self.port > 1024)",
        "!has(self.share) || self.share <= 1",
    )
)
RAY = an_object(
    spec=with_rules(
        an_object(
            workers=a_list(
                with_rules(
                    an_object(group=TEXT, minReplicas=NUMBER, maxReplicas=NUMBER, replicas=NUMBER),
                    "self.minReplicas <= self.maxReplicas",
                    rule(
                        "!has(self.replicas) || self.replicas <= self.maxReplicas",
                        fieldPath=".replicas",
                        message="too many",
                    ),
                )
            ),
            groups=a_map(
                with_rules(
                    an_object(size=NUMBER), "self.size > 0", "!has(oldSelf.size) || self.size >= oldSelf.size"
                )
            ),
            order=with_rules(
                a_list(NUMBER),
                "self.isSorted()",
                "self.sum() < 100",
                "self.max() < 50 && self.min() >= 0",
                "self.indexOf(7) == -1",
            ),
            dash__a=NUMBER,
            **{"a-b": NUMBER, "c.d": NUMBER, "e/f": NUMBER, "namespace": NUMBER, "__g": NUMBER, "9x": NUMBER},
        ),
        "!has(self.a__dash__b) || self.a__dash__b > 0",
        "!has(self.c__dot__d) || self.c__dot__d > 0",
        "!has(self.e__slash__f) || self.e__slash__f > 0",
        "!has(self.__namespace__) || self.__namespace__ > 0",
        "!has(self.__underscores__g) || self.__underscores__g > 0",
    )
)
GATEWAY = with_rules(
    an_object(
        spec=an_object(
            listeners=with_rules(
                keyed_list(
                    "name", name=TEXT, port=NUMBER, protocol=TEXT, hostname=TEXT, tls=an_object(mode=TEXT)
                ),
                rule(
                    "self.all(l, l.protocol in ['HTTP', 'TCP'] ? !has(l.tls) : true)",
                    message="tls must not be specified for HTTP and TCP",
                ),
                rule(
                    "self.all(l1, self.exists_one(l2, l1.port == l2.port && l1.protocol == l2.protocol))",
                    message="port and protocol must be unique",
                ),
                "self.all(l, !has(l.hostname) || l.hostname.split('.').size() >= 2)",
            ),
            address=with_rules(
                TEXT, "isIP(self) && ip(self).family() == 4 && cidr('10.0.0.0/8').containsIP(self)"
            ),
            link=with_rules(
                {"type": "string", "maxLength": 100},
                "isURL(self) && url(self).getScheme() == 'https' && url(self).getHost() == 'example.com'",
            ),
        ),
        status=an_object(
            phase=with_rules(TEXT, "self in ['New', 'Ready']"),
            conditions=with_rules(
                keyed_list("type", type=TEXT, status=TEXT), "self.all(c, c.status != 'Unknown')"
            ),
            count=with_rules(NUMBER, rule("self >= oldSelf", message="never fewer")),
        ),
    ),
    "self.metadata.name.size() < 10",
    "!has(self.metadata.generateName) || self.metadata.generateName.startsWith('g')",
    rule("self.kind == 'Gateway' && self.apiVersion.endsWith('v1')"),
    rule(
        "!has(self.status) || !has(self.status.count) || self.status.count < 10",
        fieldPath=".status.count",
        message="below ten",
    ),
)
CERTIFICATE = an_object(
    spec=with_rules(
        an_object(
            duration={"type": "string", "format": "duration"},
            renewBefore={"type": "string", "format": "duration"},
            notBefore={"type": "string", "format": "date-time"},
            day={"type": "string", "format": "date"},
            data={"type": "string", "format": "byte", "maxLength": 40},
            usages=with_rules(
                a_list(TEXT, **{"x-kubernetes-list-type": "set"}),
                rule("self == oldSelf", message="usages are immutable"),
                "self.exists(u, u == 'signing')",
            ),
            note={"type": "string", "nullable": True, "maxLength": 10},
            free={"type": "object", "x-kubernetes-preserve-unknown-fields": True},
            issuer=with_rules(
                an_object(name=TEXT, kind={**TEXT, "default": "Issuer"}),
                "self.kind in ['Issuer', 'ClusterIssuer']",
            ),
            version=TEXT,
        ),
        "!has(self.renewBefore) || self.duration > self.renewBefore",
        "!has(self.notBefore) || self.notBefore > timestamp('2025-01-01T00:00:00Z')",
        "!has(self.day) || self.day.getFullYear() > 2024",
        "!has(self.data) || self.data == b'hello'",
        "!has(self.note) || self.note.size() > 2",
        "!has(self.free) || self.free == oldSelf.free",
        "!has(self.version) || semver(self.version).isGreaterThan(semver('1.2.3'))",
        rule(
            "oldSelf.hasValue() || self.?version.orValue('9.9.9') == '9.9.9'",
            optionalOldSelf=True,
            message="begin with the last",
        ),
        rule(
            "oldSelf.optMap(o, has(o.version) == has(self.version)).orValue(true)",
            optionalOldSelf=True,
            message="version stays or stays away",
        ),
    )
)
THING = an_object(
    spec=with_rules(
        an_object(
            a=NUMBER,
            b=NUMBER,
            s=TEXT,
            list=a_list(NUMBER),
            map=a_map(NUMBER),
            any={"x-kubernetes-int-or-string": True},
            sub=an_object(x=an_object(y=NUMBER)),
        ),
        "self.a > 0",
        "!has(self.b) || 10 / self.b > 1",
        "!has(self.list) || self.list[1] > 0",
        "!has(self.map) || self.map['k'] > 0",
        "!has(self.any) || self.any > 0",
        "!has(self.sub) || self.sub.x.y > 0",
        rule("!has(self.s) || int(self.s) > 0", message="s is a number"),
        "!has(self.s) || self.s.matches(self.s)",
    )
)
LOOSE = an_object(
    spec=an_object(
        size=NUMBER,
        name=TEXT,
        parts=keyed_list("id", id=TEXT, n=NUMBER),
        tags=a_list(TEXT),
        sub=an_object(x=NUMBER),
    )
)
TIGHT = an_object(
    spec=an_object(
        size=with_rules(NUMBER, "self > 10"),
        name=TEXT,
        parts=keyed_list("id", id=TEXT, n=with_rules(NUMBER, "self > 10")),
        tags=a_list(with_rules(TEXT, "self.size() > 3")),
        sub=with_rules(an_object(x=NUMBER), "self.x > 10"),
    )
)

"""The roads that bench/roads knows: for each, a function that builds what stands in the middle, and says
how somebody gets out by it."""

from harness.fronts import HaproxyFront, NginxFront
from harness.proxies import PASSWORD, USER, Nginx, PlainSquid, Socks, Squid, Tinyproxy

BY_USER = f"{USER}:{PASSWORD}@"


def direct(kind, scheme=None):
    return lambda roads, name: roads.direct(kind, scheme)


def squid(scheme=None):
    return lambda roads, name: roads.through(
        Squid(roads.scene, name, scheme, within=roads.proxy_within), roads.url("wss"),
        user=BY_USER if scheme else "")


def squid_behind_tls(roads, name):
    proxy = Squid(roads.scene, name, "basic", tls_at=roads.proxy_at, within=roads.proxy_within)
    return roads.through(proxy, roads.url("wss"), "https", BY_USER, proxy_ca=proxy.certificate)


def socks(roads, name):
    proxy = Socks(roads.scene, name, closed=True, within=roads.proxy_within)
    return roads.through(proxy, roads.url("wss"), "socks5h", BY_USER)


def plain_squid(scheme=None, body_most=None):
    return lambda roads, name: roads.through(
        PlainSquid(roads.scene, name, scheme, body_most=body_most, within=roads.proxy_within),
        f"http+poll://{roads.plain()}", user=BY_USER if scheme else "")


def tinyproxy(roads, name):
    return roads.through(Tinyproxy(roads.scene, name, within=roads.proxy_within),
                         f"http+poll://{roads.plain()}")


def nginx(scheme):
    return lambda roads, name: roads.behind(
        Nginx(roads.scene, name, roads.plain(), tls=scheme == "https", within=roads.proxy_within),
        f"{scheme}+poll", "/some/where")


def nginx_ends_tls(roads, name):
    return roads.behind_end_of_tls(NginxFront(
        roads.scene, name, roads.plain(), [roads.proxy_at], roads.proxy_within).start())


def haproxy(ends_tls):
    def way(roads, name):
        behind = roads.plain() if ends_tls else f"{roads.relay_at}:{roads.ports['wss']}"
        front = HaproxyFront(roads.scene, name, behind, [roads.proxy_at], roads.proxy_within,
                             send="send-proxy-v2", ends_tls=ends_tls).start()
        return roads.behind_end_of_tls(front) if ends_tls else roads.behind(front, "wss")
    return way


def unknown(kind, found, proxy=None):
    """carrier: auto."""
    return lambda roads, name: roads.unknown(
        kind, found, proxy and proxy(roads.scene, name, within=roads.proxy_within))


ROADS = {
    "wss": direct("wss"),
    "ws": direct("ws"),
    "tls": direct("tls"),
    "squid": squid(),
    "squid-basic": squid("basic"),
    "squid-digest": squid("digest"),
    "squid-ntlm": squid("ntlm"),
    "squid-tls": squid_behind_tls,
    "socks5": socks,
    "nginx-ends-tls": nginx_ends_tls,
    "haproxy-ends-tls": haproxy(ends_tls=True),
    "haproxy-passes-tls": haproxy(ends_tls=False),
    "poll": direct("ws", "http+poll"),
    "poll-tls": direct("wss", "https+poll"),
    "poll-squid": plain_squid(),
    "poll-squid-digest": plain_squid("digest"),
    "poll-squid-16KB": plain_squid(body_most="16 KB"),
    "poll-tinyproxy": tinyproxy,
    "poll-nginx": nginx("http"),
    "poll-nginx-tls": nginx("https"),
    "auto-wss": unknown("wss", "wss"),
    "auto-squid": unknown("wss", "wss", Squid),
    "auto-poll-squid": unknown("ws", "poll", PlainSquid),
    "auto-poll-tinyproxy": unknown("ws", "poll", Tinyproxy),
}
# For visitors, whose homes have an open road.
VISITS = {f"visit-{name}": ROADS[name] for name in (
    "wss", "squid-digest", "socks5", "poll-squid", "poll-tinyproxy", "auto-squid", "auto-poll-squid")}

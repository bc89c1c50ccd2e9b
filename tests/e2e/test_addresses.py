"""What no job may reach: hostile addresses and spellings, given, redirected to, and by name.

All of it happens in a network namespace in which the refused addresses lead to a listener: a
connection would come about if the policy let it. The listener counts; the count stays 0.
"""

import itertools
import shutil
import socket

import pytest

from namespace import HiddenStack, Inside, Namespace, Quiet, Redirector, connections
from service import Service
from stack import free_port

STATUSES = (301, 302, 303, 307, 308)
REFUSALS = ("url_not_allowed", "invalid_url", "invalid_parameter")  # the last: a control byte
OTHER_PORT = 9000  # none of the four that need no leave
PORTS = (80, 443, 8080, 8443, OTHER_PORT)

# One address of each refused range, and more of those with something to reach.
REFUSED = """
    0.1.2.3 10.0.0.1 10.255.255.254 100.64.0.1 100.100.100.200 127.9.9.9 169.254.1.1 169.254.169.254
    172.16.0.1 172.31.255.254 192.0.0.1 192.0.2.1 192.88.99.1 192.168.0.1 198.18.0.1 198.19.255.254
    198.51.100.1 203.0.113.1 240.0.0.1 255.255.255.254
    ::7f00:2 ::ffff:0:7f00:1 64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 64:ff9b:1::1 100::1 1000::1 2001::1
    2001:0:7f00:1::1 2001:10::1 2001:db8::1 2002:7f00:1::1 2002:a9fe:a9fe::1 3fff::1 4000::1 5f00::1
    8000::1 fc00::1 fd00:ec2::254 fec0::1
    """.split()
# Loopback and the unspecified address are local anyway; a multicast group cannot be called.
LOCAL = ("127.0.0.1", "0.0.0.0", "::1", "::", "::ffff:127.0.0.1", "::ffff:a00:1")
UNCALLED = ("224.0.0.1", "239.255.255.250", "255.255.255.255", "fe80::1", "ff02::1")
PUBLIC = ("11.0.0.1", "2a00::1")

SPELLINGS = """
    2130706433 0x7f000001 017700000001 0x7f.1 0177.1 0177.0.0.1 00000177.0.0.1 127.1 127.0.1
    0x7F.0X0.0x0.0x1 127.0.0.1. 127.0.0.1.. 0 0x0 00 0. 10.1 012.0.0.1 0xa000001 167772161 0xA9FEA9FE
    169.254.43518 3232235521 192.168.1 4294967297 127.0.0.1.1 256.0.0.1 0x100000000 127.0.0.0x 127..1
    %31%32%37.0.0.1 127%2e0%2e0%2e1 127.0.0.1%00 127.0.0.1%2f %5b::1%5d 127。0。0。1 １２７.0.0.1
    ①②⑦.⓪.⓪.① [0:0:0:0:0:0:0:1] [0000::0001] [::127.0.0.1] [::ffff:127.0.0.1] [::FFFF:7F00:1]
    [0:0:0:0:0:ffff:7f00:1] [::ffff:169.254.169.254] [64:ff9b::127.0.0.1] [64:ff9b::10.0.0.1]
    [::1%25lo] [fe80::1%25lo] [::ffff:2130706433] [::1 ::1] 127.0.0.1:080 127.0.0.1: 127.0.0.1:00080
    127.0.0.1:443 127.0.0.1:8080 127.0.0.1:8443 127.0.0.1:9000 127.0.0.1:0 127.0.0.1:65616
    127.0.0.1:-80 127.0.0.1:80:80 [::1]:8080 11.0.0.1:9000 [2a00::1]:9000
    """.split()

TRICKS = (
    "http://example.org@127.0.0.1/", "http://user:word@10.0.0.1/", "http://127.0.0.1@10.0.0.1/",
    "http://example.org:80@127.0.0.1:80/", "http://example.org%40127.0.0.1/",
    "http://127.0.0.1%40example.org/", "http://example.org\\@127.0.0.1/",
    "http://127.0.0.1\\@example.org/", "http://127.0.0.1#@example.org/",
    "http://127.0.0.1?@example.org/", "http://127.0.0.1/@example.org", "http://@127.0.0.1/",
    "http://:@127.0.0.1/", "http:127.0.0.1/", "http:/127.0.0.1/", "http:///127.0.0.1/",
    "http:////127.0.0.1/", "http:\\\\127.0.0.1/", "//127.0.0.1/", "\\\\127.0.0.1/", "///127.0.0.1/",
    "HTTP://127.0.0.1/", "https://127.0.0.1/", "HTTPS://[::1]/", "ftp://127.0.0.1:80/",
    "gopher://127.0.0.1:80/_GET", "dict://127.0.0.1:80/", "file:///etc/passwd",
    "file://127.0.0.1/etc/passwd", "ws://127.0.0.1/", "http+unix://127.0.0.1/",
    "http://127.0.0.1\t/", "http://127.0.\t0.1/", " http://127.0.0.1/",
)

# Spellings of names that libraries or the hosts file take to loopback.
LOCAL_NAMES = ("localhost", "LOCALHOST", "localhost.", "LocalHost.", "sub.localhost", "ip6-localhost",
               "localhost.localdomain")


def host(address):
    return f"[{address}]" if ":" in address else address


def name_of(address):
    return f"at-{address.replace(':', '-').replace('.', '-')}.example"


def names():
    """A name for each refused address, and names that lead to more than one."""
    table = {name_of(address): [address] for address in (*REFUSED, *LOCAL, *UNCALLED)}
    table["localhost"] = table["localhost.localdomain"] = ["127.0.0.1", "::1"]
    table["ip6-localhost"] = ["::1"]
    table["all-refused.example"] = ["10.0.0.1", "192.168.0.1", "fc00::1", "127.0.0.1", "::1"]
    table["nowhere-and-refused.example"] = ["93.184.216.34", "10.0.0.1", "2606:2800::1", "fc00::1"]
    table["refused-and-opened.example"] = ["192.168.0.1", "fc00::1", "10.0.0.1"]
    table["opened.example"] = ["10.0.0.1"]
    table["loopback.example"] = ["127.0.0.1"]
    return table


LITERALS = ([f"http://{host(address)}/" for address in (*REFUSED, *LOCAL, *UNCALLED)]
            + [f"http://{spelling}/" for spelling in SPELLINGS] + list(TRICKS))
NAMED = ([f"http://{name}/" for name in (*names(), *LOCAL_NAMES)
          if name not in ("opened.example", "refused-and-opened.example")]
         + [f"{scheme}://all-refused.example:{port}/" for port in PORTS for scheme in ("http", "https")]
         + ["http://ALL-refused.EXAMPLE./", "https://all-refused.example/", "http://unknown.example/"])


@pytest.fixture(scope="module")
def network():
    try:
        space = Namespace()
    except OSError as error:
        pytest.skip(f"no network namespace can be made here: {error.strerror}")
    try:
        space.add([*REFUSED, *PUBLIC])
        yield space
    finally:
        space.leave()


@pytest.fixture(scope="module")
def inside(network):
    server = Inside(PORTS)
    yield server
    server.close()


@pytest.fixture(scope="module")
def redirector(network):
    server = Redirector()
    yield server
    server.close()


@pytest.fixture(scope="module")
def quiet(network):
    listeners = Quiet()
    yield listeners
    listeners.close()


@pytest.fixture(scope="module")
def stack(network, redirector):
    if not shutil.which("unshare"):
        pytest.skip("there is no unshare here")
    # On every address, so that each of them is one of its own.
    running = HiddenStack(names(), "--listen", f"0.0.0.0:{free_port()}", "--net-slots", "8",
                          "--allow-private", f"127.0.0.1/32:{redirector.port}")
    try:
        running.up()
        yield running
    finally:
        running.remove()


@pytest.fixture(scope="module")
def unanswered(stack, quiet):
    """A job whose connection is never accepted; it waits for its timeout while the other stories run."""
    service = Service(stack.base, stack.key)
    port = quiet.ports()["unanswered"]
    stack.allow(f"127.0.0.1/32:{port}")
    job = service.submit(f"http://127.0.0.1:{port}/")
    return service.until(job, lambda job: job["status"] == "running")


@pytest.fixture
def service(stack, inside, unanswered):
    stack.allow()
    inside.forget()
    return Counted(stack.base, stack.key)


class Counted(Service):
    asked = 0

    def ask(self, *arguments, **more):
        self.asked += 1  # a connection each
        return super().ask(*arguments, **more)


def submit(service, url):
    """The job, or the code of the refusal."""
    answer = service.post("/v1/videos/url", json={"url": url})
    body = answer.json()
    if answer.status_code == 202:
        return body
    assert answer.status_code in (400, 403), f"{url}: {answer.text}"
    return body["error"]["code"]


def outcomes(service, urls):
    """What became of each: the code of the refusal, or of the failed job, or its status."""
    submitted = {url: submit(service, url) for url in urls}
    return {url: of if isinstance(of, str) else outcome(service, of) for url, of in submitted.items()}


def outcome(service, job):
    ended = service.follow(job)
    return ended["error"]["code"] if ended["error"] else ended["status"]


def others(outcomes, *expected):
    return {url: code for url, code in outcomes.items() if code not in expected}


# ---- the ground ----

def test_without_a_policy_every_refused_address_would_answer(network, inside):
    inside.forget()
    called = list(itertools.product((*REFUSED, *LOCAL, *PUBLIC), PORTS))
    for address, port in called:
        socket.create_connection((address, port), 5).close()
    assert len(inside.seen()) == len(called)
    assert len(REFUSED) >= 40


def test_what_is_public_or_opened_is_reached(service, stack, inside):
    """The counter counts, or its 0 would mean nothing."""
    assert outcome(service, service.submit("http://11.0.0.1/")) == "source_not_found"
    assert inside.seen() == [("11.0.0.1", 80)]
    inside.forget()
    stack.allow("10.0.0.1/32")
    assert outcome(service, service.submit("http://10.0.0.1/")) == "source_not_found"
    assert inside.seen() == [("10.0.0.1", 80)]
    stack.allow()
    assert submit(service, "http://10.0.0.1/") == "url_not_allowed"


# ---- the three ways ----

def test_no_literal_is_connected_to(service, inside):
    found = outcomes(service, LITERALS)
    assert others(found, *REFUSALS) == {}
    addresses = [f"http://{host(address)}/" for address in (*REFUSED, *LOCAL, *UNCALLED)]
    assert others({url: found[url] for url in addresses}, "url_not_allowed") == {}
    assert inside.seen() == []


def test_no_route_accepts_one(service, inside):
    output = {"name": "copy", "format": "copy"}
    ways = (("/v1/videos/url", lambda url: {"params": {"url": url}}),
            ("/v1/videos/url", lambda url: {"data": {"url": url}}),
            ("/v1/videos", lambda url: {"params": {"url": url}, "json": {}}),
            ("/v1/videos", lambda url: {"json": {"url": url}}),
            ("/v1/videos/process", lambda url: {"json": {"source": {"url": url}, "outputs": [output]}}))
    urls = ("http://10.0.0.1/", "http://0x7f.1/", "http://[::1]/")
    for url, (path, body) in itertools.product(urls, ways):
        answer = service.post(path, **body(url))
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "url_not_allowed"), (path, url)
    assert inside.seen() == []


def test_no_redirect_leads_to_one(service, redirector, inside):
    turns = [redirector.url(status, to) for to, status in zip(LITERALS, itertools.cycle(STATUSES))]
    assert others(outcomes(service, turns), "source_blocked") == {}
    assert inside.seen() == []


def test_no_status_of_redirection_leads_to_one(service, redirector, inside):
    targets = ("http://127.0.0.1/", "http://0x7f.1:8080/", "//10.0.0.1/", "http://[::1]/",
               "http://all-refused.example/")
    turns = [redirector.url(status, to) for to in targets for status in STATUSES]
    turns += [redirector.url(302, redirector.url(status, to)) for to in targets for status in STATUSES]
    assert others(outcomes(service, turns), "source_blocked") == {}
    assert inside.seen() == []


def test_no_name_leads_to_one(service, redirector, inside):
    found = outcomes(service, NAMED)
    assert others(found, "source_blocked") == {}
    turns = [redirector.url(status, to) for to, status in zip(NAMED, itertools.cycle(STATUSES))]
    assert others(outcomes(service, turns), "source_blocked") == {}
    assert inside.seen() == []


def test_an_opened_address_is_reached_by_redirect_and_by_name(service, stack, redirector, inside):
    stack.allow("10.0.0.1/32")
    for url in ("http://opened.example/", "http://refused-and-opened.example/",
                *(redirector.url(status, "http://10.0.0.1/") for status in STATUSES)):
        assert outcome(service, service.submit(url)) == "source_not_found", url
        assert inside.seen() == [("10.0.0.1", 80)], url
        inside.forget()


# ---- what no allow-list opens ----

def test_metadata_services_stay_closed_whatever_is_opened(service, stack, redirector, inside):
    stack.allow("0.0.0.0/0", f"0.0.0.0/0:{OTHER_PORT}", "[::/0]", f"[::/0]:{OTHER_PORT}")
    closed = [f"http://{at}{port}/" for port in ("", f":{OTHER_PORT}") for at in (
        "169.254.169.254", "[fd00:ec2::254]", "100.100.100.200", "[::ffff:169.254.169.254]",
        "[64:ff9b::169.254.169.254]", "0xA9FEA9FE", "0.0.0.0", "[::]", "[::ffff:0.0.0.0]")]
    by_name = [f"http://{name_of(address)}/" for address in (
        "169.254.169.254", "fd00:ec2::254", "100.100.100.200", "64:ff9b::a9fe:a9fe", "0.0.0.0", "::")]
    assert others(outcomes(service, closed), "url_not_allowed") == {}
    assert others(outcomes(service, by_name), "source_blocked") == {}
    turns = [redirector.url(302, url) for url in (*closed, *by_name)]
    assert others(outcomes(service, turns), "source_blocked") == {}
    assert inside.seen() == []


def test_the_stacks_own_ports_stay_closed_whatever_is_opened(service, stack, redirector):
    own = [int(each.rpartition(":")[2]) for each in (stack.state / "ports").read_text().split()]
    api, link, _ = own
    stack.allow(*(f"{network}:{port}" for port in own
                  for network in ("127.0.0.0/8", "0.0.0.0/0", "[::/0]")))
    before = connections() - service.asked - len(redirector.asked)
    for port in own:
        closed = [f"http://{at}:{port}/healthz" for at in (
            "127.0.0.1", "2130706433", "127.1", "[::ffff:127.0.0.1]", "[64:ff9b::127.0.0.1]",
            "0.0.0.0", "[::]")]
        by_name = [f"http://{name}:{port}/healthz" for name in (
            "localhost", "loopback.example", "sub.localhost", name_of("0.0.0.0"))]
        assert others(outcomes(service, closed), "url_not_allowed") == {}
        turns = [redirector.url(302, url) for url in (*closed, *by_name)]
        assert others(outcomes(service, [*by_name, *turns]), "source_blocked") == {}
    elsewhere = [f"http://{at}:{api}/healthz" for at in (
        "10.0.0.1", "11.0.0.1", "[::ffff:10.0.0.1]", "169.254.1.1", "opened.example")]
    assert others(outcomes(service, elsewhere), "source_blocked") == {}
    # None but ours to the API, and those that asked for the redirects.
    assert connections() - service.asked - len(redirector.asked) == before
    socket.create_connection(("127.0.0.1", link), 5).close()
    assert connections() - service.asked - len(redirector.asked) == before + 1


# ---- what a client may learn ----

def test_refused_reset_unanswered_and_blocked_look_alike(service, stack, quiet, unanswered):
    """A failed job does not help anybody to map a network."""
    ports = quiet.ports()
    stack.allow(*(f"127.0.0.1/32:{port}" for port in ports.values()))
    urls = {how: f"http://127.0.0.1:{port}/" for how, port in ports.items()}
    urls |= {"blocked": "http://all-refused.example/", "unknown": "http://unknown.example/",
             "blocked port": f"http://loopback.example:{free_port()}/"}
    jobs = {how: service.submit(url) for how, url in urls.items() if how != "unanswered"}
    jobs["unanswered"] = unanswered
    ended = {how: service.follow(job) for how, job in jobs.items()}
    its_own = ("id", "created_at", "started_at", "completed_at", "expires_at", "input", "urls")
    visible = {how: {name: value for name, value in job.items() if name not in its_own}
            for how, job in ended.items()}
    assert visible["blocked"]["error"] == {
        "code": "source_blocked", "message": "The source could not be reached", "retryable": False,
        "detail": None}
    assert {how: each for how, each in visible.items() if each != visible["blocked"]} == {}

"""What clients of FTP do to a server that harness.ftp made, one function for each way of theirs; each
raises what went wrong."""

import filecmp

from harness.ftp import curl, lftp, tnftp

FILES = 60  # In tree/.


def _by_curl(*options):
    def run(_scene, within, place, _server):
        said = curl(within, place, "hello.txt", *options).stdout
        assert said == "hello\n", said
        names = curl(within, place, "tree/", "--list-only", *options).stdout.split()
        assert sum(name.startswith("file") for name in names) == FILES, names  # Some add . and ..
    return run


def _by_lftp(*settings):
    def run(scene, within, place, server):
        copy = scene.path("copies", str(scene.free_port()))
        lftp(within, place, f"mirror -P4 tree {copy}", *settings)
        seen = filecmp.dircmp(server.root / "tree", copy)
        assert len(seen.same_files) == FILES, (seen.left_only, seen.diff_files)
    return run


def _by_tnftp(words):
    def run(scene, within, place, _server):
        got = scene.path("copies", str(scene.free_port()))
        put = f"put {got} incoming/{got.name}"
        shown = tnftp(within, *place, f"{words}\nget hello.txt {got}\n{put}")
        assert got.exists() and got.read_text() == "hello\n", shown.stdout + shown.stderr
        assert "226" in shown.stdout.rsplit("incoming", 1)[-1], shown.stdout + shown.stderr
    return run


PASSIVE = {
    "curl EPSV": _by_curl(),
    "curl PASV": _by_curl("--disable-epsv", "--no-ftp-skip-pasv-ip"),
    "lftp PASV -P4": _by_lftp("set ftp:prefer-epsv no"),
    "lftp EPSV -P4": _by_lftp("set ftp:prefer-epsv yes"),
    "lftp pipelined": _by_lftp("set ftp:sync-mode off"),
    "lftp, TLS first": _by_lftp("set ftp:ssl-allow yes"),
    "tnftp EPSV": _by_tnftp("epsv4 on"),
    "tnftp PASV": _by_tnftp("epsv4 off"),
}
ACTIVE = {
    "curl EPRT": _by_curl("--ftp-port", "-"),
    "curl PORT": _by_curl("--ftp-port", "-", "--disable-eprt"),
    "lftp active": _by_lftp("set ftp:passive-mode off"),
    "tnftp active": _by_tnftp("passive off"),
}

#include "daemon/identity/file.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "tests/unit/daemon/identity/temporary_directory.h"

using namespace relay;

namespace {

mode_t mode_of(const std::string& path) {
    struct stat status {};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    return status.st_mode & 07777;
}

}  // namespace

TEST_CASE(
    "an atomic write makes and replaces a file with the mode asked for, and leaves no draft") {
    const TemporaryDirectory directory;
    const std::string path = directory.file("file");
    REQUIRE(write_file_atomically(path, bytes_of("one"), 0600));
    CHECK(*read_file(path, 100) == "one");
    CHECK(mode_of(path) == 0600);
    REQUIRE(write_file_atomically(path, bytes_of("two"), 0644));
    CHECK(*read_file(path, 100) == "two");
    CHECK(mode_of(path) == 0644);
    CHECK(directory.count() == 1);
}

TEST_CASE("creating never replaces") {
    const TemporaryDirectory directory;
    const std::string path = directory.file("file");
    REQUIRE(create_file(path, bytes_of("one"), 0600));
    const Status again = create_file(path, bytes_of("two"), 0600);
    REQUIRE_FALSE(again);
    CHECK(again.error().code == ErrorCode::AlreadyExists);
    CHECK(*read_file(path, 100) == "one");
    CHECK(directory.count() == 1);
}

TEST_CASE("reading stops at the limit") {
    const TemporaryDirectory directory;
    const std::string path = directory.file("file");
    for (const std::size_t size : {0, 1, 16383, 16384, 16385, 40000}) {
        const std::string contents(size, 'x');
        REQUIRE(write_file_atomically(path, bytes_of(contents), 0600));
        CHECK(*read_file(path, size) == contents);
        const auto file = open_file(path);
        REQUIRE(file);
        CHECK(text_of(read_secret(*file, path, size)->view()) == contents);
        if (size == 0) continue;
        CHECK(read_file(path, size - 1).error().code == ErrorCode::TooLarge);
    }
}

TEST_CASE("errors name the path and the system's reason") {
    const TemporaryDirectory directory;
    const auto missing = read_file(directory.file("missing"), 10);
    REQUIRE_FALSE(missing);
    CHECK(missing.error().code == ErrorCode::NotFound);
    CHECK(missing.error().text ==
          "cannot open " + directory.file("missing") + ": No such file or directory");

    const Status unwritable = write_file_atomically(directory.file("no/file"), {}, 0600);
    REQUIRE_FALSE(unwritable);
    CHECK(unwritable.error().text.find("no/file: No such file") != std::string::npos);
    CHECK(read_file(directory.file(""), 10).error().text.find("not a regular file") !=
          std::string::npos);
}

TEST_CASE("a FIFO is refused and not waited for") {
    const TemporaryDirectory directory;
    REQUIRE(::mkfifo(directory.file("fifo").c_str(), 0600) == 0);
    CHECK(read_file(directory.file("fifo"), 10).error().code == ErrorCode::System);
}

TEST_CASE("a directory is made with its parents, and once there stays as it is") {
    const TemporaryDirectory directory;
    REQUIRE(make_directory(directory.file("a/b/c"), 0700));
    CHECK(mode_of(directory.file("a/b/c")) == 0700);
    REQUIRE(make_directory(directory.file("a/b/c"), 0755));
    CHECK(mode_of(directory.file("a/b/c")) == 0700);
    REQUIRE(write_file_atomically(directory.file("file"), {}, 0600));
    CHECK(make_directory(directory.file("file"), 0700).error().code == ErrorCode::AlreadyExists);
    CHECK_FALSE(make_directory(directory.file("file/below"), 0700));
}

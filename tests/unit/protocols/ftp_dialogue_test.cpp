#include "common/protocols/ftp_dialogue.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace relay;

namespace {

using Kind = FtpLineCutter::Kind;
using Meaning = FtpDialogue::Meaning;

FtpDialogue greeted() {
    FtpDialogue dialogue;
    CHECK(dialogue.reply("220 ready\r\n") == Meaning::Nothing);
    return dialogue;
}

}  // namespace

TEST_CASE("lines are the same however their bytes come") {
    const std::string all = "one\r\ntwo\n\r\nthree";
    for (std::size_t piece = 1; piece <= all.size(); ++piece) {
        CAPTURE(piece);
        FtpLineCutter cutter;
        std::vector<std::string> lines;
        for (std::size_t at = 0; at < all.size(); at += piece) {
            Bytes bytes = bytes_of(std::string_view{all}.substr(at, piece));
            while (const auto cut = cutter.next(bytes)) {
                CHECK(cut->kind == Kind::Line);
                lines.emplace_back(cut->text);
            }
            CHECK(bytes.empty());
        }
        CHECK(lines == std::vector<std::string>{"one\r\n", "two\n", "\r\n"});
    }
}

TEST_CASE("a line over the limit comes in pieces, and the next one is whole again") {
    FtpLineCutter cutter;
    const std::string most(ftp_line_most_bytes - 1, 'x');
    const std::string text = most + "\n" + most + "xx";
    Bytes bytes = bytes_of(text);
    CHECK(cutter.next(bytes)->kind == Kind::Line);
    const auto head = cutter.next(bytes);
    CHECK(head->kind == Kind::Head);
    CHECK(head->text.size() == ftp_line_most_bytes);
    CHECK(cutter.in_long_line());
    CHECK(cutter.next(bytes)->kind == Kind::Piece);
    CHECK_FALSE(cutter.next(bytes));
    bytes = bytes_of("more\nNOOP\r\n");
    const auto piece = cutter.next(bytes);
    CHECK(piece->kind == Kind::Piece);
    CHECK(piece->text == "more\n");
    CHECK(cutter.next(bytes)->kind == Kind::Line);
}

TEST_CASE("commands wait for their replies in a ring") {
    FtpDialogue dialogue = greeted();
    // Odd, so that it comes by each place with each of two verbs.
    for (std::size_t i = 0; i < 3 * ftp_pending_most; ++i) {
        for (const FtpVerb verb : {FtpVerb::Other, FtpVerb::Passive, FtpVerb::Auth}) {
            dialogue.command(verb);
        }
        CHECK(dialogue.reply("227 (1,2,3,4,5,6)\r\n") == Meaning::Nothing);
        CHECK(dialogue.reply("227 (1,2,3,4,5,6)\r\n") == Meaning::Passive);
        CHECK(dialogue.reply("500 no\r\n") == Meaning::Nothing);
    }
    CHECK(dialogue.makes_sense());
}

TEST_CASE("commands are known in any case, and behind the signals of Telnet") {
    CHECK(parse_ftp_command("PASV\r\n").verb == FtpVerb::Passive);
    CHECK(parse_ftp_command("pasv\n").verb == FtpVerb::Passive);
    CHECK(parse_ftp_command("EPSV\r\n").verb == FtpVerb::ExtendedPassive);
    CHECK(parse_ftp_command("EPSV 2\r\n").argument == "2");
    CHECK(parse_ftp_command("epsv all\r\n").verb == FtpVerb::Other);
    CHECK(parse_ftp_command("PORT  1,2,3,4,5,6 \r\n").argument == "1,2,3,4,5,6");
    CHECK(parse_ftp_command("Eprt |1|x|y|\r\n").verb == FtpVerb::ExtendedPort);
    CHECK(parse_ftp_command("AUTH TLS\r\n").verb == FtpVerb::Auth);
    CHECK(parse_ftp_command("\xff\xf4\xff\xf2"
                            "ABOR\r\n")
              .verb == FtpVerb::Abort);
    CHECK(parse_ftp_command("PASVX\r\n").verb == FtpVerb::Other);
    CHECK(parse_ftp_command("\r\n").verb == FtpVerb::Other);
    CHECK(parse_ftp_command("").verb == FtpVerb::Other);
}

TEST_CASE("a 227 counts only as the reply to a PASV") {
    FtpDialogue dialogue = greeted();
    CHECK(dialogue.reply("227 (1,2,3,4,5,6)\r\n") == Meaning::Nothing);
    dialogue.command(FtpVerb::Other);
    CHECK(dialogue.reply("227 (1,2,3,4,5,6)\r\n") == Meaning::Nothing);
    dialogue.command(FtpVerb::Passive);
    CHECK(dialogue.reply("227 (1,2,3,4,5,6)\r\n") == Meaning::Passive);
    CHECK(dialogue.reply("227 (1,2,3,4,5,6)\r\n") == Meaning::Nothing);
    dialogue.command(FtpVerb::ExtendedPassive);
    CHECK(dialogue.reply("227 (1,2,3,4,5,6)\r\n") == Meaning::Nothing);
    dialogue.command(FtpVerb::ExtendedPassive);
    CHECK(dialogue.reply("229 (|||1|)\r\n") == Meaning::ExtendedPassive);
    dialogue.command(FtpVerb::Passive);  // Of which the far end has made an EPSV.
    CHECK(dialogue.reply("229 (|||1|)\r\n") == Meaning::Passive);
}

TEST_CASE("nothing inside a reply of many lines is a reply") {
    FtpDialogue dialogue;
    dialogue.command(FtpVerb::Passive);
    for (const char* line : {"220-Line one\r\n", " 227 Entering Passive Mode (1,2,3,4,5,6).\r\n",
                             "227 Entering Passive Mode (1,2,3,4,5,6).\r\n", " 220 not the end\r\n",
                             "220-227 (1,2,3,4,5,6)\r\n", "221 nor this\r\n", "\r\n", "22"}) {
        CAPTURE(line);
        CHECK(dialogue.reply(line) == Meaning::Nothing);
        CHECK_FALSE(dialogue.was_greeted());
    }
    CHECK(dialogue.reply("220 end\r\n") == Meaning::Nothing);
    CHECK(dialogue.was_greeted());
    CHECK(dialogue.reply("227 (1,2,3,4,5,6)\r\n") == Meaning::Passive);
}

TEST_CASE("without a greeting nothing is announced") {
    FtpDialogue dialogue;
    dialogue.command(FtpVerb::Passive);
    CHECK(dialogue.reply("421 too many\r\n") == Meaning::Nothing);
    CHECK(dialogue.reply("227 (1,2,3,4,5,6)\r\n") == Meaning::Nothing);
    FtpDialogue echo;
    echo.command(FtpVerb::Passive);
    CHECK(echo.reply("227 (1,2,3,4,5,6)\r\n") == Meaning::Nothing);
    CHECK(echo.reply("227 (1,2,3,4,5,6)\r\n") == Meaning::Nothing);
}

TEST_CASE("replies answer commands in their order, and 1xx answers none") {
    FtpDialogue dialogue = greeted();
    for (const FtpVerb verb :
         {FtpVerb::Other, FtpVerb::Passive, FtpVerb::Other, FtpVerb::Passive}) {
        dialogue.command(verb);
    }
    CHECK(dialogue.reply("250 CWD\r\n") == Meaning::Nothing);
    CHECK(dialogue.reply("227 (1,2,3,4,5,6)\r\n") == Meaning::Passive);
    CHECK(dialogue.reply("150 here\r\n") == Meaning::Nothing);
    CHECK(dialogue.reply("226 done\r\n") == Meaning::Nothing);
    CHECK(dialogue.reply("425 no\r\n") == Meaning::Nothing);
    CHECK(dialogue.reply("227 (1,2,3,4,5,6)\r\n") == Meaning::Nothing);
}

TEST_CASE("an ABOR may have two answers, or none") {
    SUBCASE("one more than there are commands") {
        FtpDialogue dialogue = greeted();
        dialogue.command(FtpVerb::Other);
        dialogue.command(FtpVerb::Abort);
        dialogue.command(FtpVerb::Passive);
        CHECK(dialogue.reply("426 aborted\r\n") == Meaning::Nothing);
        CHECK(dialogue.reply("226 done\r\n") == Meaning::Nothing);
        CHECK(dialogue.reply("225 once more\r\n") == Meaning::Nothing);
        CHECK(dialogue.reply("227 (1,2,3,4,5,6)\r\n") == Meaning::Passive);
    }
    SUBCASE("one less") {
        FtpDialogue dialogue = greeted();
        dialogue.command(FtpVerb::Other);
        dialogue.command(FtpVerb::Abort);
        dialogue.command(FtpVerb::Passive);
        CHECK(dialogue.reply("426 aborted\r\n") == Meaning::Nothing);
        CHECK(dialogue.reply("227 (1,2,3,4,5,6)\r\n") == Meaning::Passive);
    }
}

TEST_CASE("after AUTH has been granted nothing is read") {
    FtpDialogue dialogue = greeted();
    dialogue.command(FtpVerb::Auth);
    CHECK(dialogue.reply("504 unknown\r\n") == Meaning::Nothing);
    CHECK_FALSE(dialogue.is_opaque());
    dialogue.command(FtpVerb::Auth);
    CHECK(dialogue.reply("234 go on\r\n") == Meaning::Secured);
    CHECK(dialogue.is_opaque());
    dialogue.command(FtpVerb::Passive);
    CHECK(dialogue.reply("227 (1,2,3,4,5,6)\r\n") == Meaning::Nothing);
}

TEST_CASE("too many commands without replies are none of FTP's") {
    FtpDialogue dialogue = greeted();
    for (std::size_t i = 0; i < ftp_pending_most; ++i) dialogue.command(FtpVerb::Other);
    CHECK_FALSE(dialogue.is_opaque());
    dialogue.command(FtpVerb::Other);
    CHECK(dialogue.is_opaque());
}

// Frames and control messages: any bytes are taken or refused, and what is taken is put back as it
// was.
#include "common/base/check.h"
#include "common/wire/control_message.h"
#include "common/wire/frame.h"

using namespace relay;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Bytes input{data, size};
    for (;;) {
        const std::size_t before = input.size();
        const auto frame = wire::take_frame(input);
        if (!frame || !*frame) break;
        check(input.size() < before);
        check((*frame)->payload.size() <= wire::frame_payload_max_bytes);
        if (const auto ack = wire::parse_ack((*frame)->payload)) {
            std::uint8_t room[64];
            ByteWriter writer{room};
            wire::put_ack(writer, *ack);
            Bytes again = writer.written();
            const auto second = wire::take_frame(again);
            check(second && *second && wire::parse_ack((*second)->payload)->offset == ack->offset);
        }
        (void)wire::parse_data((*frame)->payload);
        (void)wire::parse_rewind((*frame)->payload);
        (void)wire::parse_token((*frame)->payload);
    }
    Bytes messages{data, size};
    for (;;) {
        const auto message = wire::take_control_message(messages);
        if (!message || !*message) break;
        std::uint8_t room[1024];
        ByteWriter writer{room};
        wire::put_control_message(writer, **message);
        check(writer.ok());
        Bytes again = writer.written();
        check(bool(wire::take_control_message(again)));
        check(again.empty());
    }
    return 0;
}

#!/usr/bin/env python3
"""Makes a mutant: one source file with one rule of the protocol broken.

mutant.py SOURCE OUTPUT NAME. The rule's text must stand in the source exactly once, so that a mutant
cannot silently become the original when the source changes.
"""
import sys

MUTANTS = {
    # Resume without going back to what the peer has acknowledged.
    'drop-the-rewind': ('stream.sent = stream.acknowledged();', ''),
    # Forget every acknowledgement of a stream that is owed.
    'skip-an-ack': ('if (!stream->resetting) wire::put_ack(writer, ack_of(*stream));',
                    'if (stream->id == control_stream) wire::put_ack(writer, ack_of(*stream));'),
    # Take bytes that came twice for new ones.
    'double-a-frame': ('keep(stream, data.bytes.subspan(stream.received() - data.offset));', 'keep(stream, data.bytes);'),
    # Do not repeat acknowledgements that died with a carrier.
    'skip-the-announcement': ('announce_everything(ready == nobody ? *carriers_.front() : *find(ready));', ''),
    # Send a stream's bytes another way than its OPEN.
    'overtake-the-open': ('(stream.connected || !ours)', '(ours || !ours)'),
    # Take any new byte for the answer to a REWIND, though it may be late and from another carrier.
    'forget-what-was-dropped': ('keep(stream, data.bytes.subspan(stream.received() - data.offset));',
                                'keep(stream, data.bytes.subspan(stream.received() - data.offset));'
                                'if (end <= stream.received()) stream.dropped_to = 0;'),
    # Do not ask again for what was dropped for want of memory.
    'drop-the-request-to-rewind': (
        'rewinds_owed_.push_back(stream.id);', ''),
    # Keep the record of a stream that is over.
    'leak-a-stream': ('events_.push_back(StreamClosed{stream.id});\n    forget(stream);',
                      'events_.push_back(StreamClosed{stream.id});'),
    # Never give the memory of a drained ring back.
    'leak-a-ring': ('if (ring.size() > 0) return;\n    memory_.release(ring);\n    if (!memory_waiters_.empty()) serve_memory_waiters();\n}\n\nvoid Session::wait_for', 'return;}void Session::wait_for'),
    # After a kill, count what was written down, and not what the kernel has given.
    'believe-the-record': ('former.sending, position.given,', 'former.sending, former.written(),'),
    # Accuse a peer of using credit that was given before a kill.
    'forget-a-promise': ('stream.credit.most = std::max(former.credit.most, stream.credit.most);', ''),
    # Do not dial again what was being dialled.
    'dial-once': ('    events_.push_back(StreamOpened{stream.id, destination_of(*destination)});', ''),
    # Believe in a carrier for ever.
    'trust-a-silent-carrier': ('if (state_ != State::Resting) return Verdict::Dead;',
                               'if (state_ != State::Resting) return Verdict::Alive;'),
}

source, output, name = sys.argv[1:]
rule, broken = MUTANTS[name]
text = open(source, encoding='utf-8').read()
if text.count(rule) != 1:
    sys.exit(f'{source}: the rule that {name} breaks stands there {text.count(rule)} times: {rule}')
with open(output, 'w', encoding='utf-8') as file:
    file.write(text.replace(rule, broken))

// SPDX-License-Identifier: MIT
// Decodes streams with Netty. Input lines: the index of a decoder, 1 if an oversized message is skipped, pieces of the
// stream in hexadecimal digits, separated by commas. Output lines: see peers.py.
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandler;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.*;
import io.netty.handler.codec.protobuf.*;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.ByteOrder;

public class Peer {
    static ChannelHandler open(int index) {
        switch (index) {
@CASES@
        default: throw new IllegalArgumentException();
        }
    }

    interface Step { void run(); }

    /** Returns false after an error that closes the connection. After an ignored exception, an empty read decodes the
     *  bytes that wait behind the skipped message. */
    static boolean step(EmbeddedChannel channel, Step step, boolean skips) {
        try {
            step.run();
        } catch (TooLongFrameException error) {
            return skips && step(channel, () -> channel.writeInbound(Unpooled.buffer(0)), true);
        } catch (DecoderException error) {
            return false;
        }
        return true;
    }

    static String decode(int index, boolean skips, String[] pieces) {
        EmbeddedChannel channel = new EmbeddedChannel(open(index));
        boolean good = true;
        for (String piece : pieces) {
            if (!good) break;
            byte[] bytes = ByteBufUtil.decodeHexDump(piece);
            good = step(channel, () -> channel.writeInbound(Unpooled.wrappedBuffer(bytes)), skips);
        }
        if (good) good = step(channel, () -> channel.finish(), false);
        StringBuilder out = new StringBuilder();
        for (ByteBuf message; (message = channel.readInbound()) != null;)
            out.append('m').append(ByteBufUtil.hexDump(message)).append(',');
        return out.append(good ? "ok" : "error").toString();
    }

    public static void main(String[] arguments) throws Exception {
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
        for (String line; (line = lines.readLine()) != null;) {
            String[] words = line.split(" ");
            System.out.println(decode(Integer.parseInt(words[0]), words[1].equals("1"), words[2].split(",")));
        }
    }
}

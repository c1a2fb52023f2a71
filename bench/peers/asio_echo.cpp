// SPDX-License-Identifier: MIT
// asio_echo.cpp - Boost.Asio with one thread (concurrency hint 1), as its echo example shows: each connection has
// a buffer of 16 KiB, async_read_some, async_write. Modes: echo, udp.
#include <boost/asio.hpp>

#include <array>
#include <cstdlib>
#include <cstring>
#include <memory>

using boost::asio::ip::tcp;
using boost::asio::ip::udp;
using error = boost::system::error_code;

class Connection : public std::enable_shared_from_this<Connection>
{
public:
    explicit Connection(tcp::socket socket) : socket_(std::move(socket)) {}

    void read()
    {
        socket_.async_read_some(boost::asio::buffer(bytes_), [self = shared_from_this()](error failed, size_t count) {
            if (!failed) self->write(count);
        });
    }

private:
    void write(size_t count)
    {
        boost::asio::async_write(socket_, boost::asio::buffer(bytes_, count),
                                 [self = shared_from_this()](error failed, size_t) {
                                     if (!failed) self->read();
                                 });
    }

    tcp::socket socket_;
    std::array<char, 16384> bytes_;
};

static void accept(tcp::acceptor &acceptor)
{
    acceptor.async_accept([&acceptor](error failed, tcp::socket socket) {
        if (!failed) {
            socket.set_option(tcp::no_delay(true));
            std::make_shared<Connection>(std::move(socket))->read();
        }
        accept(acceptor);
    });
}

static std::array<char, 2048> datagram;
static udp::endpoint sender;

static void receive(udp::socket &socket)
{
    socket.async_receive_from(boost::asio::buffer(datagram), sender, [&socket](error failed, size_t count) {
        if (failed) return receive(socket);
        socket.async_send_to(boost::asio::buffer(datagram, count), sender,
                             [&socket](error, size_t) { receive(socket); });
    });
}

int main(int count, char **arguments)
{
    if (count != 3) return 64;
    unsigned short port = static_cast<unsigned short>(std::strtoul(arguments[1], nullptr, 10));
    auto local = boost::asio::ip::address_v4::loopback();
    boost::asio::io_context context(1);
    if (std::strcmp(arguments[2], "udp") == 0) {
        udp::socket socket(context, udp::endpoint(local, port));
        socket.set_option(boost::asio::socket_base::receive_buffer_size(4 << 20));
        receive(socket);
        context.run();
        return 0;
    }
    tcp::acceptor acceptor(context, tcp::endpoint(local, port));
    acceptor.listen(4096);
    accept(acceptor);
    context.run();
}

%% SPDX-License-Identifier: MIT
%% Decodes streams with the options of gen_tcp, over a connection to itself. Input and output: see peers.py.
-module(weir_peer).
-export([main/0]).

-define(WAIT_MS, 60000).

%% The options of a case, and the length that recv asks for.
@CASES@
options(_) -> none.

main() ->
    {ok, Listener} = gen_tcp:listen(0, [binary, {active, false}, {packet, raw}, {ip, {127, 0, 0, 1}}]),
    {ok, Port} = inet:port(Listener),
    loop(Listener, Port),
    halt(0).

loop(Listener, Port) ->
    case io:get_line("") of
        eof -> ok;
        Line ->
            [Index, _, Pieces] = string:lexemes(string:trim(Line), " "),
            io:format("~s~n", [decode(Listener, Port, options(list_to_integer(Index)), Pieces)]),
            loop(Listener, Port)
    end.

decode(Listener, Port, {Options, Length}, Pieces) ->
    {ok, Socket} = gen_tcp:connect({127, 0, 0, 1}, Port, [binary, {active, false} | Options]),
    {ok, Sender} = gen_tcp:accept(Listener),
    ok = inet:setopts(Sender, [{nodelay, true}]),
    Parent = self(),
    Pid = spawn_link(fun() ->
        receive go -> ok end,
        [gen_tcp:send(Sender, binary:decode_hex(list_to_binary(Piece))) || Piece <- string:lexemes(Pieces, ",")],
        gen_tcp:shutdown(Sender, write),
        Parent ! {self(), sent}
    end),
    ok = gen_tcp:controlling_process(Sender, Pid),
    Pid ! go,
    Result = receive_all(Socket, Length, []),
    receive {Pid, sent} -> ok end,
    gen_tcp:close(Socket),
    gen_tcp:close(Sender),
    Result.

receive_all(Socket, Length, Found) ->
    case gen_tcp:recv(Socket, Length, ?WAIT_MS) of
        {ok, Message} -> receive_all(Socket, Length, [[$m, binary:encode_hex(Message), $,] | Found]);
        {error, closed} -> string:lowercase(lists:flatten(io_lib:format("~s~s", [lists:reverse(Found), "ok"])));
        {error, _} -> string:lowercase(lists:flatten(io_lib:format("~s~s", [lists:reverse(Found), "error"])))
    end.

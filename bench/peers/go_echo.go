// SPDX-License-Identifier: MIT
// go_echo.go - Go as its documentation shows: a goroutine for each connection; `go_echo PORT MODE`. bench/compare sets
// GOMAXPROCS=1, because all servers have one processor. Modes: echo, broadcast, udp.
package main

import (
	"net"
	"os"
	"sync"
)

var (
	lock    sync.Mutex
	members = map[net.Conn]bool{}
)

func send(bytes []byte) {
	lock.Lock()
	defer lock.Unlock()
	for member := range members {
		member.Write(bytes)
	}
}

func serve(connection net.Conn, broadcasts bool) {
	bytes := make([]byte, 16384)
	for {
		count, err := connection.Read(bytes)
		if err != nil {
			break
		}
		if broadcasts {
			send(bytes[:count])
		} else if _, err := connection.Write(bytes[:count]); err != nil {
			break
		}
	}
	lock.Lock()
	delete(members, connection)
	lock.Unlock()
	connection.Close()
}

func serveUDP(address string) {
	at, err := net.ResolveUDPAddr("udp4", address)
	if err != nil {
		panic(err)
	}
	socket, err := net.ListenUDP("udp4", at)
	if err != nil {
		panic(err)
	}
	socket.SetReadBuffer(4 << 20)
	bytes := make([]byte, 2048)
	for {
		count, from, err := socket.ReadFromUDPAddrPort(bytes)
		if err == nil {
			socket.WriteToUDPAddrPort(bytes[:count], from)
		}
	}
}

func main() {
	address, mode := "127.0.0.1:"+os.Args[1], os.Args[2]
	if mode == "udp" {
		serveUDP(address)
	}
	listener, err := net.Listen("tcp4", address)
	if err != nil {
		panic(err)
	}
	for {
		connection, err := listener.Accept()
		if err != nil {
			continue
		}
		if mode == "broadcast" {
			lock.Lock()
			members[connection] = true
			lock.Unlock()
		}
		go serve(connection, mode == "broadcast")
	}
}

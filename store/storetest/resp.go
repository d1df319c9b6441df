package storetest

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// Conn is one connection to a Redis, without a client library between test and
// server.
type Conn struct {
	net.Conn
	in *bufio.Reader
}

// ReplyError is an error that the server answered.
type ReplyError string

// Error implements error.
func (e ReplyError) Error() string { return string(e) }

// replyTimeout is how long a server in a test may take.
const replyTimeout = 20 * time.Second

// dial connects; user and password may be empty.
func dial(network, addr string, conf *tls.Config) (*Conn, error) {
	d := &net.Dialer{Timeout: replyTimeout}
	c, err := d.Dial(network, addr)
	if err != nil {
		return nil, err
	}
	if conf != nil {
		c = tls.Client(c, conf)
	}
	return &Conn{Conn: c, in: bufio.NewReader(c)}, nil
}

// Do sends one command and reads one reply: a string, an int64, nil, or a slice
// of these.
func (c *Conn) Do(args ...string) (any, error) {
	if err := c.SetDeadline(time.Now().Add(replyTimeout)); err != nil {
		return nil, err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(args))
	for _, a := range args {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(a), a)
	}
	if _, err := io.WriteString(c.Conn, b.String()); err != nil {
		return nil, err
	}
	return c.reply()
}

func (c *Conn) reply() (any, error) {
	line, err := c.in.ReadString('\n')
	if err != nil {
		return nil, err
	}
	line = strings.TrimSuffix(line, "\r\n")
	if line == "" {
		return nil, errors.New("an empty line for a reply")
	}
	rest := line[1:]
	switch line[0] {
	case '+':
		return rest, nil
	case '-':
		return nil, ReplyError(rest)
	case ':':
		return strconv.ParseInt(rest, 10, 64)
	case '$':
		n, err := strconv.Atoi(rest)
		if err != nil || n < 0 {
			return nil, err
		}
		b := make([]byte, n+2)
		_, err = io.ReadFull(c.in, b)
		return string(b[:n]), err
	case '*':
		n, err := strconv.Atoi(rest)
		if err != nil || n < 0 {
			return nil, err
		}
		all := make([]any, n)
		for i := range all {
			var answered ReplyError
			if all[i], err = c.reply(); errors.As(err, &answered) {
				all[i] = answered
			} else if err != nil {
				return nil, err
			}
		}
		return all, nil
	}
	return nil, fmt.Errorf("a reply of type %q", line[0])
}

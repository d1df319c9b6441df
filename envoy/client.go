package envoy

import (
	"context"

	"google.golang.org/grpc"

	"github.com/tollgate-authz/tollgate/authz"
)

// Field is one header line of a request.
type Field struct{ Name, Value string }

// HTTP describes the request that a front asks about.
type HTTP struct {
	Method  string
	Scheme  string
	Host    string
	Target  string // path and query as sent; "" is CONNECT's
	Headers []Field
	Raw     bool // every header line apart with its exact bytes, as encode_raw_headers sends them

	Extensions map[string]string // context_extensions of the route
	Principal  string
	Source     string // address of the downstream connection
}

// Verdict is what a front does with an answer.
type Verdict struct {
	Allowed bool
	Code    int32 // google.rpc code of the answer, 0 when allowed
	Status  int   // HTTP status for the client, 0 when allowed

	Set     []Field  // request headers that are overwritten
	Remove  []string // request headers that are removed
	Headers []authz.Header
	Body    string

	Metadata map[string]string
}

// Question is an HTTP ready to be asked any number of times.
type Question struct{ msg any }

// Prepare builds the message of a Check once.
func Prepare(h *HTTP) Question { return Question{msg: describe(h)} }

// Client asks a Check the way Envoy does. It is safe for concurrent use.
type Client struct{ conn grpc.ClientConnInterface }

// NewClient gives a client on a connection.
func NewClient(conn grpc.ClientConnInterface) *Client { return &Client{conn: conn} }

// Check asks about one request. An error is a call that failed: a front that
// fails closed answers it with its status_on_error.
func (c *Client) Check(ctx context.Context, h *HTTP) (*Verdict, error) {
	return c.Ask(ctx, Prepare(h))
}

// Ask asks a prepared question.
func (c *Client) Ask(ctx context.Context, q Question) (*Verdict, error) {
	reply := newReply()
	if err := c.conn.Invoke(ctx, checkMethod, q.msg, reply.message()); err != nil {
		return nil, err
	}
	return reply.verdict(), nil
}

package cases

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/tollgate-authz/tollgate/authz"
	"github.com/tollgate-authz/tollgate/envoy"
)

// Surface is one way to ask for decisions.
type Surface interface {
	Name() string
	// Open makes the surface decide by the configuration at path.
	Open(ctx context.Context, path string) (Session, error)
}

// Session is an open surface.
type Session interface {
	// Ask asks once; errUnasked when the surface has no way to say the question.
	Ask(ctx context.Context, q *Question) (*Answer, error)
	Close() error
}

// Question is one request at one time.
type Question struct {
	HTTP    *envoy.HTTP
	Now     time.Time
	Explain bool
	// Charged says that limits have to count this question and those before it:
	// some case of the file repeats its request.
	Charged bool
}

// errUnasked says that a surface cannot be asked a question.
var errUnasked = errors.New("this surface has no way to ask that")

// Answer is what a surface answered, in the words of expect.
type Answer struct {
	Decision string
	Reason   string
	Status   int
	Edits    []authz.Edit
	Hidden   map[string]bool // edits whose values the surface does not tell
	Headers  []authz.Header
	Body     string
	Metadata map[string]string
	// Peeked is true where limits were looked at and not charged: one request more
	// remains than the service would tell.
	Peeked bool
	// Whole is false where the surface tells only some members of Metadata.
	Whole bool
	Steps []authz.Step
	// Explained is false where the surface tells no steps.
	Explained bool
}

// header joins the lines of a header towards the client.
func (a *Answer) header(name string) (string, bool) {
	var lines []string
	for _, h := range a.Headers {
		if strings.EqualFold(h.Name, name) {
			lines = append(lines, h.Value)
		}
	}
	return strings.Join(lines, ","), lines != nil
}

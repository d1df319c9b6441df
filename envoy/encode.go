package envoy

import (
	"encoding/binary"

	"github.com/tollgate-authz/tollgate/authz"
)

// The fields of envoy.service.auth.v3.CheckResponse that are written, and of the
// messages in it. A test reads what is written with the generated messages.
const (
	answerStatus   = 1
	answerDenied   = 2
	answerOK       = 3
	answerMetadata = 4

	statusCode = 1 // google.rpc.Status, and envoy.type.v3.HttpStatus

	okHeaders         = 2
	okRemovals        = 5
	okResponseHeaders = 6

	deniedHTTP    = 1
	deniedHeaders = 2
	deniedBody    = 3

	optionHeader = 1
	optionAction = 3
	headerKey    = 1
	headerText   = 2

	actionAppend    = 0 // APPEND_IF_EXISTS_OR_ADD
	actionOverwrite = 2 // OVERWRITE_IF_EXISTS_OR_ADD

	structFields = 1
	entryKey     = 1
	entryValue   = 2
	valueText    = 3
)

// usualAnswer is room for an allow with a few headers and its metadata.
const usualAnswer = 1 << 10

// encode writes the bytes of the message that build makes.
func (s *sifted) encode() encoded {
	w := writer{buf: make([]byte, 0, usualAnswer)}
	w.open(answerStatus)
	w.number(statusCode, uint64(s.code)) //nolint:gosec // codes of google.rpc are 0 to 16
	w.close()
	if s.allow {
		w.open(answerOK)
		w.edits(s.edits)
		w.headers(okResponseHeaders, s)
	} else {
		w.open(answerDenied)
		w.open(deniedHTTP)
		w.number(statusCode, uint64(s.status)) //nolint:gosec // siftStatus has seen it
		w.close()
		w.headers(deniedHeaders, s)
		if s.body != "" {
			w.text(deniedBody, s.body)
		}
	}
	w.close()
	w.open(answerMetadata)
	w.metadata(s.answer)
	w.close()
	return w.buf
}

// writer writes messages front to back. The length of one is known at its end: it
// is put in then, before what was written since its beginning.
type writer struct {
	buf   []byte
	begun [6]int // where the open messages begin
	depth int
}

// open begins a message in a field.
func (w *writer) open(number int) {
	w.tag(number, bytesType)
	w.begun[w.depth] = len(w.buf)
	w.depth++
}

// close ends the message that was opened last.
func (w *writer) close() {
	w.depth--
	at := w.begun[w.depth]
	size := len(w.buf) - at
	if size < 0x80 { // most are: one byte, without a detour
		w.buf = append(w.buf, 0)
		copy(w.buf[at+1:], w.buf[at:])
		w.buf[at] = byte(size)
		return
	}
	var room [binary.MaxVarintLen64]byte
	length := binary.AppendUvarint(room[:0], uint64(size))
	w.buf = append(w.buf, length...)
	copy(w.buf[at+len(length):], w.buf[at:])
	copy(w.buf[at:], length)
}

func (w *writer) tag(number, typ int) { w.buf = append(w.buf, byte(number<<3|typ)) }

// number writes a number; 0 is what a field that is not there means.
func (w *writer) number(number int, n uint64) {
	if n != 0 {
		w.tag(number, varintType)
		w.buf = binary.AppendUvarint(w.buf, n)
	}
}

// text writes a text, also an empty one.
func (w *writer) text(number int, text string) {
	w.tag(number, bytesType)
	w.buf = binary.AppendUvarint(w.buf, uint64(len(text)))
	w.buf = append(w.buf, text...)
}

// edits writes what changes the request.
func (w *writer) edits(edits []authz.Edit) {
	for i := range edits {
		if e := &edits[i]; e.Remove {
			w.text(okRemovals, e.Name)
		} else {
			w.option(okHeaders, e.Name, e.Value, actionOverwrite)
		}
	}
}

// headers writes what is for the client.
func (w *writer) headers(number int, s *sifted) {
	for h := range s.headers {
		action := uint64(actionOverwrite)
		if h.Append {
			action = actionAppend
		}
		w.option(number, h.Name, h.Value, action)
	}
}

// option writes a HeaderValueOption.
func (w *writer) option(number int, name, value string, action uint64) {
	w.open(number)
	w.open(optionHeader)
	w.text(headerKey, name)
	w.text(headerText, value)
	w.close()
	w.number(optionAction, action)
	w.close()
}

// metadata writes the facts as a google.protobuf.Struct.
func (w *writer) metadata(answer *authz.Answer) {
	for name, value := range facts(answer) {
		w.open(structFields)
		w.text(entryKey, name)
		w.open(entryValue)
		w.text(valueText, value)
		w.close()
		w.close()
	}
}

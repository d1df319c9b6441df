package envoy

import (
	"errors"
	"unicode/utf8"
)

// The types in which a field can be written (protobuf encoding, "message
// structure").
const (
	varintType = iota
	fixed64Type
	bytesType
	startGroupType
	endGroupType
	fixed32Type
)

const (
	maxNumber      = 1<<29 - 1 // of a field
	maxGroupNumber = 1<<31 - 1 // within groups, as the generated messages have it
	maxDepth       = 64        // of messages and groups in each other; Envoy's metadata is a few levels deep
)

var (
	errWire = errors.New("the message is no CheckRequest: its bytes do not follow the encoding")
	errText = errors.New("the message is no CheckRequest: a text is not UTF-8")
	// errDeep leaves a message to the generated code: how deep is too deep is its decision.
	errDeep = errors.New("the message is nested deeper than a front nests it")
)

// scanner reads the bytes of a CheckRequest from front to back and hands to the
// view what it wants. It accepts exactly what the generated messages accept, and
// means the same by it: the last of repeated single fields counts, messages that
// are repeated where one is meant are one, what is not known or written in another
// type than it should be is passed over.
type scanner struct {
	schema *schema
	into   *request
	at     *pair // the header or extension that was begun last
}

// message reads one message.
func (s *scanner) message(of shape, data string, depth int) error {
	if depth > maxDepth {
		return errDeep
	}
	fields := s.schema[of]
	for data != "" {
		tag, rest, ok := varint(data)
		number := tag >> 3
		if !ok || number < 1 || number > maxNumber {
			return errWire
		}
		if tag&7 != bytesType {
			var err error
			if data, err = skip(number, tag&7, rest, depth); err != nil {
				return err
			}
			continue
		}
		value, rest, ok := delimited(rest)
		if !ok {
			return errWire
		}
		data = rest
		if number < uint64(len(fields)) {
			if err := s.field(fields[number], value, depth); err != nil {
				return err
			}
		}
	}
	return nil
}

// field reads the value of a field that has a length.
func (s *scanner) field(f field, value string, depth int) error {
	switch f.kind {
	case blob:
	case text:
		if !utf8.ValidString(value) {
			return errText
		}
	case nested:
		s.begin(f.want)
		return s.message(f.of, value, depth+1)
	}
	s.keep(f.want, value)
	return nil
}

// begin notes that a message is there, however little is in it.
func (s *scanner) begin(w want) {
	r := s.into
	switch w {
	case anHTTP:
		r.http = true
	case anotherSource:
		r.line.SourceAddress = ""
	case aJoined:
		r.joined = append(r.roomFor(r.joined), pair{})
		s.at = &r.joined[len(r.joined)-1]
	case aLine:
		r.lines = append(r.roomFor(r.lines), pair{})
		s.at = &r.lines[len(r.lines)-1]
	case anExtension:
		r.extensions = append(r.extensions, pair{})
		s.at = &r.extensions[len(r.extensions)-1]
	default:
	}
}

// keep takes over a text.
func (s *scanner) keep(w want, value string) {
	line := &s.into.line
	switch w {
	case theMethod:
		line.Method = value
	case theScheme:
		line.Scheme = value
	case theHost:
		line.Host = value
	case thePath:
		line.Target = value
	case thePrincipal:
		line.Principal = value
	case theSource:
		line.SourceAddress = value
	case itsKey:
		s.at.key = value
	case itsValue:
		s.at.value = value
	case itsRaw:
		s.at.raw = value
	default:
	}
}

// skip passes over a value that has no length.
func skip(number, typ uint64, data string, depth int) (rest string, err error) {
	ok := false
	switch typ {
	case varintType:
		_, rest, ok = varint(data)
	case fixed64Type:
		rest, ok = after(data, 8)
	case fixed32Type:
		rest, ok = after(data, 4)
	case startGroupType:
		return skipGroup(number, data, depth+1)
	}
	if !ok {
		return "", errWire
	}
	return rest, nil
}

// skipGroup passes over the fields of a group and the end of it.
func skipGroup(number uint64, data string, depth int) (rest string, err error) {
	if depth > maxDepth {
		return "", errDeep
	}
	for {
		tag, rest, ok := varint(data)
		inner := tag >> 3
		switch {
		case !ok || inner < 1 || inner > maxGroupNumber:
			return "", errWire
		case tag&7 == endGroupType && inner == number:
			return rest, nil
		case tag&7 == bytesType:
			if _, data, ok = delimited(rest); !ok {
				return "", errWire
			}
		default:
			if data, err = skip(inner, tag&7, rest, depth); err != nil {
				return "", err
			}
		}
	}
}

// varint reads a number of up to 64 bits.
func varint(data string) (n uint64, rest string, ok bool) {
	if data != "" && data[0] < 0x80 {
		return uint64(data[0]), data[1:], true
	}
	for i := range min(len(data), 10) {
		c := data[i]
		n |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			return n, data[i+1:], i < 9 || c <= 1 // the tenth holds the last bit
		}
	}
	return 0, "", false
}

// delimited reads a length and as many bytes.
func delimited(data string) (value, rest string, ok bool) {
	size, rest, ok := varint(data)
	if !ok || size > uint64(len(rest)) {
		return "", "", false
	}
	return rest[:size], rest[size:], true
}

func after(data string, n int) (rest string, ok bool) {
	if len(data) < n {
		return "", false
	}
	return data[n:], true
}

// decode reads the bytes of a CheckRequest.
func (s *schema) decode(data string, into *request) error {
	scan := scanner{schema: s, into: into}
	err := scan.message(checkRequest, data, 0)
	if errors.Is(err, errDeep) {
		*into = request{}
		return into.unmarshal([]byte(data))
	}
	return err
}

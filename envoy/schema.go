package envoy

// shape is one of the messages that a CheckRequest is made of. The source of a
// request is told from its destination, whose fields nobody asks for.
type shape uint8

const (
	checkRequest shape = iota
	attributeContext
	sourcePeer
	sourceAddress
	sourceSocket
	peer
	peerAddress
	socketAddress
	pipeAddress
	internalAddress
	httpAttributes
	timestamp
	httpRequest
	headerMap
	headerValue
	joinedEntry
	extensionEntry
	textEntry
	tlsSession
	metadataContext
	structEntry
	anyEntry
	structMessage
	valueEntry
	valueMessage
	listMessage
	anyMessage
	shapes // how many there are
)

// kind is what the value of a field with a length is.
type kind uint8

const (
	blob   kind = iota // bytes; the kind of unknown fields too
	text               // UTF-8, refused where it is none
	nested             // a message, or an entry of a map, which is written like one
)

// want says what a field is to the view. Most are only checked.
type want uint8

const (
	nothing want = iota
	theMethod
	theScheme
	theHost
	thePath
	thePrincipal
	theSource
	anotherSource // an address that is no socket takes the place of one that is
	anHTTP
	aJoined // a header of the map
	aLine   // a header of header_map
	anExtension
	itsKey // of the header or extension that was begun last
	itsValue
	itsRaw
)

// field is what is known of one field of a message.
type field struct {
	kind kind
	want want
	of   shape // nested
}

// schema holds the fields by message and number: all that are a text or a message,
// and the bytes that are wanted. Numbers are not among them: how they are written
// says all that has to be checked.
type schema [shapes][]field

// newSchema gives the fields of envoy.service.auth.v3.CheckRequest. A test compares
// them with the generated descriptors.
func newSchema() *schema {
	return &schema{
		checkRequest: {1: message(attributeContext)},
		attributeContext: {
			1: message(sourcePeer), 2: message(peer), 4: message(httpAttributes),
			10: {nested, anExtension, extensionEntry}, 11: message(metadataContext), 12: message(tlsSession), 13: message(metadataContext),
		},
		sourcePeer:      {1: message(sourceAddress), 2: {kind: text}, 3: message(textEntry), 4: {text, thePrincipal, 0}, 5: {kind: text}},
		sourceAddress:   {1: message(sourceSocket), 2: {nested, anotherSource, pipeAddress}, 3: {nested, anotherSource, internalAddress}},
		sourceSocket:    {2: {text, theSource, 0}, 4: {kind: text}, 5: {kind: text}, 7: {kind: text}},
		peer:            {1: message(peerAddress), 2: {kind: text}, 3: message(textEntry), 4: {kind: text}, 5: {kind: text}},
		peerAddress:     {1: message(socketAddress), 2: message(pipeAddress), 3: message(internalAddress)},
		socketAddress:   {2: {kind: text}, 4: {kind: text}, 5: {kind: text}, 7: {kind: text}},
		pipeAddress:     {1: {kind: text}},
		internalAddress: {1: {kind: text}, 2: {kind: text}},
		httpAttributes:  {1: message(timestamp), 2: {nested, anHTTP, httpRequest}},
		timestamp:       {},
		httpRequest: {
			1: {kind: text}, 2: {text, theMethod, 0}, 3: {nested, aJoined, joinedEntry}, 4: {text, thePath, 0}, 5: {text, theHost, 0},
			6: {text, theScheme, 0}, 7: {kind: text}, 8: {kind: text}, 10: {kind: text}, 11: {kind: text}, 13: message(headerMap),
		},
		headerMap:       {1: {nested, aLine, headerValue}},
		headerValue:     {1: {text, itsKey, 0}, 2: {text, itsValue, 0}, 3: {blob, itsRaw, 0}},
		joinedEntry:     {1: {text, itsKey, 0}, 2: {text, itsValue, 0}},
		extensionEntry:  {1: {text, itsKey, 0}, 2: {text, itsValue, 0}},
		textEntry:       {1: {kind: text}, 2: {kind: text}},
		tlsSession:      {1: {kind: text}},
		metadataContext: {1: message(structEntry), 2: message(anyEntry)},
		structEntry:     {1: {kind: text}, 2: message(structMessage)},
		anyEntry:        {1: {kind: text}, 2: message(anyMessage)},
		structMessage:   {1: message(valueEntry)},
		valueEntry:      {1: {kind: text}, 2: message(valueMessage)},
		valueMessage:    {3: {kind: text}, 5: message(structMessage), 6: message(listMessage)},
		listMessage:     {1: message(valueMessage)},
		anyMessage:      {1: {kind: text}},
	}
}

// message is a field that holds a message of which nothing but the inside matters.
func message(of shape) field { return field{kind: nested, of: of} }

package authz

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"strings"
)

// denyTyk writes a denial as Tyk's gateway does: its status, its words and its
// body, JSON indented by four spaces or XML for clients that sent XML.
func (a *answers) denyTyk(out *Answer, d *denial, headers []Header, style style) []Header {
	text := a.tyk[Internal].text
	if p := a.tyk[d.reason]; p != nil {
		text = p.text
	}
	if d.tyk != "" {
		text = d.tyk
	}
	if d.tykStatus != 0 {
		out.Status = d.tykStatus
	}
	if style.xml {
		out.Body = xmlBody(text)
		return append(headers, Header{Name: "content-type", Value: "application/xml"})
	}
	out.Body = jsonBody(text)
	return append(headers, Header{Name: "content-type", Value: jsonType})
}

func jsonBody(text string) string {
	encoded, err := json.Marshal(text)
	if err != nil { // no text makes Marshal fail
		encoded = []byte(`""`)
	}
	return "{\n    \"error\": " + string(encoded) + "\n}"
}

func xmlBody(text string) string {
	var escaped bytes.Buffer
	if err := xml.EscapeText(&escaped, []byte(text)); err != nil { // a Buffer does not fail
		return ""
	}
	return "<?xml version = \"1.0\" encoding = \"UTF-8\"?>\n<error>" + escaped.String() + "</error>"
}

// tykQuote is a claim's value as Tyk repeats it in its texts: only of verified
// tokens, short and printable, else nothing.
func tykQuote(value string) string {
	const most = 200
	if len(value) > most || strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' }) {
		return ""
	}
	return value
}

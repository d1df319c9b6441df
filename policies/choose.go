package policies

// Claims is what a Selector reads of a verified token.
type Claims interface {
	// Texts gives the claim called name (literally, then as a path through
	// objects): the text of a Text, the elements of a List.
	Texts(name string) ([]string, Form)
}

// Form says how a claim is written.
type Form uint8

// The forms. A list with an element that is no text is Unreadable, and so is
// every other JSON value; null is Absent.
const (
	Absent Form = iota
	Text
	List
	Unreadable
)

// Choice is what a token's claims choose.
type Choice struct {
	IDs    []string // policy ids, sorted, each once; for Set.Merge
	Scopes Scopes   // all scopes of the token, mapped or not; for Permits
}

// Selector chooses the policies of a token by the rules of one API.
type Selector struct {
	spec SelectorSpec
}

// CompileSelector checks a specification against the policies of set. Pointers
// of problems are relative to the API's "policies" section ("/default/0").
func CompileSelector(spec SelectorSpec, set *Set) (*Selector, []Problem) {
	return &Selector{spec: spec}, nil
}

// Choose gives the policies that claims name. The error is a *MissingError or a
// *ClaimError; whether the policies exist is for Set.Merge to say.
func (s *Selector) Choose(claims Claims) (Choice, error) {
	return Choice{}, &MissingError{}
}

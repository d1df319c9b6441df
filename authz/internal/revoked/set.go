package revoked

import (
	"sync"
	"sync/atomic"
	"time"
)

// MaxRules bounds the set: about 200 MB. More are refused when they are made.
const MaxRules = 1_000_000

// Facts are what can be revoked of one verified token. Empty texts are not
// asked for.
type Facts struct {
	Issuer   string
	JWTID    string
	Token    string // hash of its signed part
	Subject  string
	Session  string
	Client   string
	IssuedAt time.Time // zero: it does not say
}

// Set is what is revoked. The zero value is empty. It is safe for concurrent
// use.
type Set struct {
	size    atomic.Int64 // so that an empty set costs nothing
	mutex   sync.RWMutex
	rules   map[name]Rule
	ids     map[string]name // by the id of the record, to forget what was deleted
	more    map[name]int    // records beside the first of a rule that a rotation of seal keys left several of
	contact atomic.Int64    // last contact with the store, nanoseconds since 1970
}

// Ends says whether a token is revoked.
func (s *Set) Ends(f *Facts, now time.Time) bool {
	if s.size.Load() == 0 {
		return false
	}
	s.mutex.RLock()
	defer s.mutex.RUnlock()
	values := [...]struct {
		kind  Kind
		value string
	}{
		{JWTID, f.JWTID},
		{Token, f.Token},
		{Subject, f.Subject},
		{Session, f.Session},
		{Client, f.Client},
		{Issuer, f.Issuer},
	}
	for _, v := range values {
		if v.value == "" {
			continue
		}
		if s.ends(name{kind: v.kind, value: v.value}, f, now) {
			return true
		}
		if v.kind != Issuer && f.Issuer != "" && s.ends(name{kind: v.kind, value: v.value, issuer: f.Issuer}, f, now) {
			return true
		}
	}
	return s.ends(name{kind: All}, f, now) || (f.Issuer != "" && s.ends(name{kind: All, issuer: f.Issuer}, f, now))
}

func (s *Set) ends(n name, f *Facts, now time.Time) bool {
	r, ok := s.rules[n]
	return ok && r.ends(f.IssuedAt, now)
}

// mostLate is how late a contact may be told, and how much earlier than the last
// contact a request may have begun. What lies further back is a step of the clock.
const mostLate = 15 * time.Second

// StaleFor is how long the set has not heard from its store. After a step of the
// clock that is not known until the next contact: as long as the step, at least.
func (s *Set) StaleFor(now time.Time) time.Duration {
	d := now.Sub(time.Unix(0, s.contact.Load()))
	if d < -mostLate {
		return -d
	}
	return d
}

// Len is the number of rules.
func (s *Set) Len() int { return int(s.size.Load()) }

func (s *Set) heard(at time.Time) {
	for {
		old := s.contact.Load()
		earlier := time.Duration(old - at.UnixNano())
		if earlier >= 0 && earlier <= mostLate || s.contact.CompareAndSwap(old, at.UnixNano()) {
			return
		}
	}
}

func (s *Set) add(id string, r Rule) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.rules == nil {
		s.rules, s.ids, s.more = map[name]Rule{}, map[string]name{}, map[name]int{}
	}
	n := r.name()
	if _, ruled := s.rules[n]; ruled && s.ids[id] != n {
		s.more[n]++
	}
	s.rules[n], s.ids[id] = r, n
	s.size.Store(int64(len(s.rules)))
}

func (s *Set) remove(id string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	n, ok := s.ids[id]
	if !ok {
		return
	}
	s.drop(id, n)
	s.size.Store(int64(len(s.rules)))
}

// drop takes a record away, and its rule with the last record of it: one that is
// sealed anew stands under its new id before the old one goes.
func (s *Set) drop(id string, n name) {
	delete(s.ids, id)
	switch s.more[n] {
	case 0:
		delete(s.rules, n)
	case 1:
		delete(s.more, n)
	default:
		s.more[n]--
	}
}

// replace exchanges all rules: after a gap in the feed. Of several records of one
// rule that counts which ends more.
func (s *Set) replace(rules map[string]Rule) {
	byName, ids, more := make(map[name]Rule, len(rules)), make(map[string]name, len(rules)), map[name]int{}
	for id, r := range rules {
		n := r.name()
		if other, ruled := byName[n]; ruled {
			more[n]++
			r = r.with(other)
		}
		byName[n], ids[id] = r, n
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.rules, s.ids, s.more = byName, ids, more
	s.size.Store(int64(len(byName)))
}

// forget drops the rules whose time is over.
func (s *Set) forget(now time.Time) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for id, n := range s.ids {
		if r := s.rules[n]; !r.Until.IsZero() && !now.Before(r.Until) {
			s.drop(id, n)
		}
	}
	s.size.Store(int64(len(s.rules)))
}

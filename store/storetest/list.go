package storetest

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tollgate-authz/tollgate/store"
)

// listed are the ids of a list, with how often each was there.
func listed(t *testing.T, b store.Backend, prefix store.Key) map[string]int {
	t.Helper()
	seen := make(map[string]int)
	for it, err := range store.All(within(t), b, prefix) {
		if err != nil {
			t.Fatal(err)
		}
		if it.Key.Kind != prefix.Kind || string(it.Value) != "of "+it.Key.ID {
			t.Errorf("listed %s with value %.40q", it.Key, it.Value)
		}
		seen[it.Key.ID]++
	}
	return seen
}

func listsByPrefix(t *testing.T, _ Subject, b store.Backend) {
	ids := []string{
		"a", "aa", "aaa", "ab", "b", "\xff", "\xff\xff", "\xff\xff\x00", "\x00", "a\xff", "a\xff\xff", "b\x00", "[a", "(a", "+", "-",
	}
	for _, id := range ids {
		on{t, b}.must(cred(id), "of "+id, store.Write{})
		on{t, b}.must(store.Key{Kind: store.KindRevocation, ID: id + "r"}, "of "+id+"r", store.Write{})
	}
	on{t, b}.must(cred("a deleted"), "gone", store.Write{})
	wantErr(t, "delete", b.Delete(within(t), cred("a deleted"), store.Any), nil)
	for _, prefix := range []string{"", "a", "aa", "a\xff", "\xff", "\xff\xff", "\xff\xff\xff", "\x00", "c", "[", "+"} {
		want := make(map[string]int)
		for _, id := range ids {
			if len(id) >= len(prefix) && id[:len(prefix)] == prefix {
				want[id] = 1
			}
		}
		if diff := cmp.Diff(want, listed(t, b, cred(prefix))); diff != "" {
			t.Errorf("list of %q (-want +got):\n%s", prefix, diff)
		}
	}
}

// listsOnceWhatStays changes records between the pages of a list.
func listsOnceWhatStays(t *testing.T, s Subject, b store.Backend) {
	const stay = 3 * store.PageSize
	var all sync.WaitGroup
	for w := range s.Workers {
		all.Go(func() {
			for i := w; i < stay; i += s.Workers {
				id := fmt.Sprintf("stays %d", i)
				if _, err := b.Put(within(t), cred(id), []byte("of "+id), store.Write{}); err != nil {
					t.Errorf("put: %v", err)
					return
				}
			}
		})
	}
	all.Wait()
	seen := make(map[string]int)
	pages := 0
	var at store.Cursor
	for {
		page, err := b.List(within(t), cred(""), at)
		if err != nil {
			t.Fatal(err)
		}
		pages++
		if len(page.Items) > store.PageSize {
			t.Fatalf("a page of %d items, at most %d", len(page.Items), store.PageSize)
		}
		for _, it := range page.Items {
			seen[it.Key.ID]++
		}
		if at = page.Next; at == "" {
			break
		}
		for i := range 5 {
			id := fmt.Sprintf("comes and goes %d", i)
			if pages%2 == 1 {
				on{t, b}.must(cred(id), "of "+id, store.Write{})
			} else {
				wantErr(t, "delete", b.Delete(within(t), cred(id), store.Any), nil)
			}
		}
		kept := fmt.Sprintf("stays %d", pages)
		on{t, b}.must(cred(kept), "of "+kept, store.Write{}) // written again, it stays one
	}
	if pages < 3 {
		t.Errorf("%d pages for %d records, want at least 3", pages, stay)
	}
	var wrong []string
	for i := range stay {
		if id := fmt.Sprintf("stays %d", i); seen[id] != 1 {
			wrong = append(wrong, fmt.Sprintf("%s: %d times", id, seen[id]))
		}
	}
	if slices.Sort(wrong); len(wrong) > 0 {
		t.Errorf("%d records were not listed exactly once: %q", len(wrong), wrong[:min(5, len(wrong))])
	}
}

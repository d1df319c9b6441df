package redis

import (
	"context"

	goredis "github.com/redis/go-redis/v9"

	"github.com/tollgate-authz/tollgate/store"
)

// List implements store.KV. It goes through the list of ids of one partition
// after the other; each has its slot.
func (s *Store) List(ctx context.Context, prefix store.Key, from store.Cursor) (store.Page, error) {
	at, err := store.ReadCursor(prefix, from)
	if err != nil {
		return store.Page{}, err
	}
	var page store.Page
	for ; at.Partition < store.Partitions; at = (store.Place{Partition: at.Partition + 1}) {
		room := store.PageSize - len(page.Items)
		var items []store.Item
		var last string
		err := s.call(ctx, "list", func(ctx context.Context) (err error) {
			items, last, err = s.listPartition(ctx, prefix, at, room)
			return err
		})
		if err != nil {
			return store.Page{}, err
		}
		page.Items = append(page.Items, items...)
		if last != "" {
			page.Next = store.Place{Partition: at.Partition, After: last}.Cursor()
			return page, nil
		}
	}
	return page, nil
}

// listPartition reads at most room records of a partition. last is the id to go
// on after, "" at the end.
func (s *Store) listPartition(ctx context.Context, prefix store.Key, at store.Place, room int) ([]store.Item, string, error) {
	from, to := bounds(prefix.ID, at.After)
	ids, err := s.client.ZRangeByLex(ctx, s.layout.Index(prefix.Kind, at.Partition), &goredis.ZRangeBy{
		Min: from, Max: to, Count: int64(room),
	}).Result()
	if err != nil || len(ids) == 0 {
		return nil, "", err
	}
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = s.layout.Name(store.Key{Kind: prefix.Kind, ID: id})
	}
	values, err := s.client.MGet(ctx, names...).Result()
	if err != nil {
		return nil, "", err
	}
	var items []store.Item
	for i, v := range values {
		text, ok := v.(string)
		if !ok { // expired, evicted, or of another type
			continue
		}
		r, ok := store.Decode([]byte(text))
		if !ok {
			s.hooks.Unreadable(prefix.Kind)
			continue
		}
		items = append(items, store.Item{Key: store.Key{Kind: prefix.Kind, ID: ids[i]}, Record: r})
	}
	if len(ids) < room {
		return items, "", nil
	}
	return items, ids[len(ids)-1], nil
}

// bounds are what ZRANGEBYLEX takes for the ids with a prefix after an id.
func bounds(prefix, after string) (from, to string) {
	from = "[" + prefix
	if after >= prefix && after != "" {
		from = "(" + after
	}
	end := []byte(prefix)
	for len(end) > 0 && end[len(end)-1] == 0xff {
		end = end[:len(end)-1]
	}
	if len(end) == 0 {
		return from, "+"
	}
	end[len(end)-1]++
	return from, "(" + string(end)
}

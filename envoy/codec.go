package envoy

import (
	"strings"

	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
)

// codec reads and writes the messages of a Check itself: with generated messages
// they are most of what a check costs. All other messages, those of health, are
// grpc's own codec's.
type codec struct {
	encoding.CodecV2
	schema *schema
}

func newCodec() codec {
	return codec{CodecV2: encoding.GetCodecV2(proto.Name), schema: newSchema()}
}

// encoded are the bytes of a CheckResponse.
type encoded []byte

// Marshal implements encoding.CodecV2.
func (c codec) Marshal(v any) (mem.BufferSlice, error) {
	if answer, ok := v.(encoded); ok {
		return mem.BufferSlice{mem.SliceBuffer(answer)}, nil
	}
	return c.CodecV2.Marshal(v)
}

// Unmarshal implements encoding.CodecV2.
func (c codec) Unmarshal(data mem.BufferSlice, v any) error {
	if r, ok := v.(*request); ok {
		return c.schema.decode(copied(data), r)
	}
	return c.CodecV2.Unmarshal(data, v)
}

// copied gives the bytes of a message in memory of their own. The view holds
// parts of it, and the transport uses its buffers again after the call.
func copied(data mem.BufferSlice) string {
	var out strings.Builder
	out.Grow(data.Len())
	for _, chunk := range data {
		out.Write(chunk.ReadOnlyData())
	}
	return out.String()
}

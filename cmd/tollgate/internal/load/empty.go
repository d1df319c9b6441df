package load

import (
	"context"
	"fmt"
	"net"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/tollgate-authz/tollgate/envoy"
)

// ServeEmpty serves checks that look at nothing and allow everything, on grpc-go
// as it comes and with Envoy's generated messages: what a service costs that does
// no work at all. It serves until ctx ends.
func ServeEmpty(ctx context.Context, listener net.Listener) error {
	request, err := message("envoy.service.auth.v3.CheckRequest")
	if err != nil {
		return err
	}
	response, err := message("envoy.service.auth.v3.CheckResponse")
	if err != nil {
		return err
	}
	allow := response.New().Interface()
	if err := prototext.Unmarshal([]byte("status {} ok_response {}"), allow); err != nil {
		return err
	}
	server := grpc.NewServer()
	server.RegisterService(&grpc.ServiceDesc{
		ServiceName: envoy.ServiceName,
		HandlerType: (*any)(nil),
		Methods: []grpc.MethodDesc{{
			MethodName: "Check",
			Handler: func(_ any, _ context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
				return answer(request, decode, allow)
			},
		}},
	}, nil)
	stop := context.AfterFunc(ctx, server.GracefulStop)
	defer stop()
	return server.Serve(listener)
}

func answer(request protoreflect.MessageType, decode func(any) error, allow proto.Message) (any, error) {
	if err := decode(request.New().Interface()); err != nil {
		return nil, err
	}
	return allow, nil
}

// message finds a generated type by its name: package envoy, which alone knows
// Envoy's types, has them linked in.
func message(name protoreflect.FullName) (protoreflect.MessageType, error) {
	found, err := protoregistry.GlobalTypes.FindMessageByName(name)
	if err != nil {
		return nil, fmt.Errorf("%s is not linked in: %w", name, err)
	}
	return found, nil
}

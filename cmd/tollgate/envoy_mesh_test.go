package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
)

// meshOf takes the mesh configuration out of the comments that it stands in, as
// somebody would who pastes it.
func meshOf(t *testing.T, printed string) map[string]any {
	t.Helper()
	var mesh strings.Builder
	for line := range strings.Lines(printed) {
		text, commented := strings.CutPrefix(line, "#    ")
		switch {
		case commented && (mesh.Len() > 0 || strings.TrimSpace(text) == "meshConfig:"):
			mesh.WriteString(text)
		case mesh.Len() > 0:
			var read struct {
				MeshConfig map[string]any `yaml:"meshConfig"`
			}
			if err := yaml.Unmarshal([]byte(mesh.String()), &read); err != nil || len(read.MeshConfig) == 0 {
				t.Fatalf("%v in %s", err, &mesh)
			}
			return read.MeshConfig
		}
	}
	t.Fatalf("no mesh configuration in %s", printed)
	return nil
}

// meshConfig is the message that istiod reads, without the code of Istio.
func meshConfig(t *testing.T) protoreflect.MessageDescriptor {
	t.Helper()
	data, err := os.ReadFile("testdata/schemas/meshconfig.descriptors.json")
	if err != nil {
		t.Fatal(err)
	}
	var set descriptorpb.FileDescriptorSet
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(data, &set); err != nil {
		t.Fatal(err)
	}
	files, err := protodesc.NewFiles(&set)
	if err != nil {
		t.Fatal(err)
	}
	found, err := files.FindDescriptorByName("istio.mesh.v1alpha1.MeshConfig")
	if err != nil {
		t.Fatal(err)
	}
	return found.(protoreflect.MessageDescriptor)
}

// The mesh configuration that is printed is one for Istio's own proto: every name,
// value and type. What istiod looks at beyond that (a service that exists) only it
// can know.
func TestIstioTakesTheMeshConfiguration(t *testing.T) {
	descriptor := meshConfig(t)
	for _, args := range [][]string{{"istio"}, {"istio", "--service", "gate", "--service-namespace", "auth"}} {
		encoded, err := json.Marshal(meshOf(t, string(printFront(t, args...))))
		if err != nil {
			t.Fatal(err)
		}
		message := dynamicpb.NewMessage(descriptor)
		if err := protojson.Unmarshal(encoded, message); err != nil {
			t.Fatalf("%v in %s", err, encoded)
		}
		providers := message.Get(descriptor.Fields().ByName("extension_providers")).List()
		if providers.Len() != 1 {
			t.Fatalf("%d extension providers", providers.Len())
		}
		provider := providers.Get(0).Message()
		chosen := provider.WhichOneof(provider.Descriptor().Oneofs().ByName("provider"))
		if chosen == nil || chosen.Name() != "envoy_ext_authz_grpc" {
			t.Fatalf("the provider is %v", chosen)
		}
		grpc := provider.Get(chosen).Message()
		for _, required := range []protoreflect.Name{"service", "port", "timeout", "status_on_error"} {
			if !grpc.Has(grpc.Descriptor().Fields().ByName(required)) {
				t.Errorf("%s is not set", required)
			}
		}
		// The proto can refuse: one change each, and it does.
		for _, change := range [][2]string{
			{`"service"`, `"servcie"`},
			{`"timeout":"0.5s"`, `"timeout":"500ms"`},
			{`"failOpen":false`, `"failOpen":"no"`},
			{`"port":9191`, `"port":"check"`},
			{`"statusOnError":"503"`, `"statusOnError":503`},
			{`"MERGE_SLASHES"`, `"MERGE_SLASH"`},
			{`"envoyExtAuthzGrpc"`, `"envoyExtAuthzGRPC"`},
		} {
			broken := strings.Replace(string(encoded), change[0], change[1], 1)
			if broken == string(encoded) {
				t.Fatalf("%s is not in %s", change[0], encoded)
			}
			if err := protojson.Unmarshal([]byte(broken), dynamicpb.NewMessage(descriptor)); err == nil {
				t.Errorf("the proto takes %s", change[1])
			}
		}
	}
}

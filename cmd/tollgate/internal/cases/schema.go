package cases

import (
	"encoding/json"

	"github.com/invopop/jsonschema"
)

// Schema is the JSON Schema (2020-12) of case files. It says what their shape is;
// mistakes of meaning, such as a key that is not there, only the reader finds.
func Schema() ([]byte, error) {
	reflector := jsonschema.Reflector{ExpandedStruct: true, RequiredFromJSONSchemaTags: false, Anonymous: true}
	schema := reflector.Reflect(&File{})
	schema.Title = "Case file of tollgate"
	// Reflection cannot say null of a pointer to a text.
	for _, name := range []string{"edits", "headers"} {
		expect := schema.Definitions["Expect"]
		if property, ok := expect.Properties.Get(name); ok {
			property.AdditionalProperties = either(text(), &jsonschema.Schema{Type: "null"})
		}
	}
	for _, name := range []string{"header", "claims"} {
		if property, ok := schema.Definitions["Token"].AnyOf[0].Properties.Get(name); ok {
			property.Type, property.AdditionalProperties = "object", nil
		}
	}
	data, err := json.MarshalIndent(schema, "", "  ")
	return append(data, '\n'), err
}

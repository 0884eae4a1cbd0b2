package app_test

import (
	"encoding/json"
	"mime"
	"net/http"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// loadContract reads the operations of both documents by their ids. Every object in them is closed: where a document does
// not say that there may be other fields, an answer with a field that it does not list breaks the contract.
func loadContract(t *testing.T) map[string]*openapi3.Operation {
	t.Helper()
	operations := map[string]*openapi3.Operation{}
	for _, name := range []string{"automation-suite", "seatwright"} {
		document, err := openapi3.NewLoader().LoadFromFile("../../api/" + name + ".yaml")
		check(t, err)
		for _, schema := range document.Components.Schemas {
			closeObjects(schema.Value)
		}
		for _, path := range document.Paths.Map() {
			for _, operation := range path.Operations() {
				operations[operation.OperationID] = operation
			}
		}
	}
	return operations
}

func closeObjects(schema *openapi3.Schema) {
	if len(schema.Properties) > 0 && schema.AdditionalProperties.Has == nil {
		closed := false
		schema.AdditionalProperties.Has = &closed
	}
	for _, property := range schema.Properties {
		closeObjects(property.Value)
	}
	if schema.Items != nil {
		closeObjects(schema.Items.Value)
	}
}

// checkContract checks that an answer is one that its operation documents: status, media type, headers, and every field. A
// wrong method (405) belongs to no operation.
func checkContract(t *testing.T, operation *openapi3.Operation, method string, got answer) {
	t.Helper()
	if operation == nil || got.status == http.StatusMethodNotAllowed {
		return
	}
	response := operation.Responses.Status(got.status)
	if response == nil {
		t.Errorf("the document of %s has no %d", operation.OperationID, got.status)
		return
	}
	for name, header := range response.Value.Headers {
		if header.Value.Required && got.header.Get(name) == "" {
			t.Errorf("the answer lacks the header %s", name)
		}
	}
	if len(response.Value.Content) == 0 {
		if got.body != "" || got.header.Get("Content-Type") != "" {
			t.Errorf("the document of %s has no body for %d, the answer has %s", operation.OperationID, got.status, got.body)
		}
		return
	}
	kind, _, err := mime.ParseMediaType(got.header.Get("Content-Type"))
	check(t, err)
	media := response.Value.Content[kind]
	if media == nil {
		t.Errorf("the document of %s has no %s for %d", operation.OperationID, kind, got.status)
		return
	}
	if method == http.MethodHead {
		return
	}
	var body any = got.body
	if kind != "text/csv" && kind != "text/html" {
		check(t, json.Unmarshal([]byte(got.body), &body))
	}
	if err := media.Schema.Value.VisitJSON(body, openapi3.VisitAsResponse(), openapi3.EnableFormatValidation(), openapi3.MultiErrors()); err != nil {
		t.Errorf("%s is not what the document of %s has for %d: %v", got.body, operation.OperationID, got.status, err)
	}
}

// Promise: the comparison with the documents finds what it is there for.
func TestContractFindsDifferences(t *testing.T) {
	t.Parallel()
	contract := loadContract(t)
	fits := func(operation string, status int, body string) bool {
		var value any
		check(t, json.Unmarshal([]byte(body), &value))
		for _, media := range contract[operation].Responses.Status(status).Value.Content {
			return media.Schema.Value.VisitJSON(value, openapi3.VisitAsResponse(), openapi3.EnableFormatValidation()) == nil
		}
		return false
	}
	for _, c := range []struct {
		operation string
		status    int
		body      string
		fits      bool
	}{
		{"listUserLicensePools", 200, `[{"code":"ATTUNU","allocated":1,"total":2}]`, true},
		{"listUserLicensePools", 200, `[{"code":"ATTUNU","allocated":1,"total":2,"more":3}]`, false},
		{"listUserLicensePools", 200, `[{"code":"ATTUNU","allocated":1}]`, false},
		{"listUserLicensePools", 200, `[{"code":"ATTUNU","allocated":"1","total":2}]`, false},
		{"listUserLicensePools", 200, `[{"code":null,"allocated":1,"total":2}]`, false},
		{"postUserLicenses", 200, `[{"id":"u","email":null,"name":"n","surname":null,"lastInUse":null,"userBundleLicenses":[],"useExternalLicense":true,"orphan":false}]`, true},
		{"postUserLicenses", 200, `[{"id":"u","email":null,"name":"n","surname":null,"lastInUse":"never","userBundleLicenses":[],"useExternalLicense":true,"orphan":false}]`, false},
		{"postUserLicenses", 200, `[{"id":"u","userId":"u","organizationId":"o","useExternalLicense":true,"userBundleCodes":[]}]`, false},
		{"authenticate", 401, `{"result":null,"targetUrl":null,"success":false,"error":{"code":0,"message":"m","details":null,"validationErrors":null},"unAuthorizedRequest":true,"__abp":true}`, true},
		{"authenticate", 401, `{"result":null,"targetUrl":null,"success":false,"error":{"code":0,"message":"m","details":null,"validationErrors":null,"more":1},"unAuthorizedRequest":true,"__abp":true}`, false},
		{"authenticate", 401, `{"result":null,"targetUrl":"x","success":false,"error":null,"unAuthorizedRequest":true,"__abp":true}`, false},
	} {
		if got := fits(c.operation, c.status, c.body); got != c.fits {
			t.Errorf("%s %d %s: fits is %v", c.operation, c.status, c.body, got)
		}
	}
}

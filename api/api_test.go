package api_test

import (
	"context"
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"go.yaml.in/yaml/v3"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/api"
)

func operations(t *testing.T) map[string]api.Operation {
	t.Helper()
	all, err := api.Operations()
	if err != nil {
		t.Fatal(err)
	}
	byID := map[string]api.Operation{}
	for _, op := range all {
		if _, twice := byID[op.ID]; twice {
			t.Errorf("operation id %s occurs twice", op.ID)
		}
		byID[op.ID] = op
	}
	return byID
}

// Who may do what is written in the documents and in the domain; the two must not drift apart.
func TestPermissionsAreThoseOfTheDomain(t *testing.T) {
	t.Parallel()
	readOrWrite := seatwright.Permission{
		Roles:  []seatwright.Role{seatwright.RoleOrganizationAdministrator},
		Scopes: []seatwright.Scope{seatwright.ScopeLicense, seatwright.ScopeLicenseRead, seatwright.ScopeLicenseWrite},
	}
	want := map[string]seatwright.Permission{
		"replaceUserLicenses":      seatwright.PermissionWriteLicenses,
		"removeUserLicenses":       seatwright.PermissionWriteLicenses,
		"postUserLicenses":         readOrWrite,
		"listUserLicensePools":     seatwright.PermissionReadLicenses,
		"getUser":                  seatwright.PermissionReadUsers,
		"listLoginAttempts":        seatwright.PermissionReadSignIns,
		"listSettings":             seatwright.PermissionReadSettings,
		"changeSettings":           seatwright.PermissionWriteSettings,
		"deleteSettings":           seatwright.PermissionWriteSettings,
		"getMessageTemplate":       seatwright.PermissionReadTemplates,
		"getMessageTemplateByName": seatwright.PermissionReadTemplates,
		"updateMessageTemplate":    seatwright.PermissionWriteTemplates,
		"listGroups":               seatwright.PermissionReadGroups,
		"getGroup":                 seatwright.PermissionReadGroups,
		"listGroupMembers":         seatwright.PermissionReadGroups,
		"createGroup":              seatwright.PermissionWriteGroups,
		"updateGroup":              seatwright.PermissionWriteGroups,
		"deleteGroup":              seatwright.PermissionWriteGroups,
		"deleteGroups":             seatwright.PermissionWriteGroups,
		"listRobotAccounts":        seatwright.PermissionReadRobots,
		"getRobotAccount":          seatwright.PermissionReadRobots,
		"createRobotAccount":       seatwright.PermissionWriteRobots,
		"updateRobotAccount":       seatwright.PermissionWriteRobots,
		"deleteRobotAccount":       seatwright.PermissionWriteRobots,
		"deleteRobotAccounts":      seatwright.PermissionWriteRobots,
		"getMe":                    seatwright.PermissionAnybody,
		"createOrganization":       seatwright.PermissionManageHost,
		"createTenant":             seatwright.PermissionManageHost,
		"createUser":               seatwright.PermissionManageHost,
		"createLot":                seatwright.PermissionManageHost,
		"changeLot":                seatwright.PermissionManageHost,
		"removeLot":                seatwright.PermissionManageHost,
		"listLots":                 seatwright.PermissionReadPurchases,
		"getLot":                   seatwright.PermissionReadPurchases,
		"listNotices":              seatwright.PermissionReadPurchases,
		"listLicenseFiles":         seatwright.PermissionReadPurchases,
		"importLicenseFile":        seatwright.PermissionImportLicenses,
		"deactivateLicenseFile":    seatwright.PermissionImportLicenses,
		"listUsers":                seatwright.PermissionReadUsers,
		"listUsersOfPartition":     seatwright.PermissionReadUsers,
		"addUser":                  seatwright.PermissionWriteUsers,
		"addUsers":                 seatwright.PermissionWriteUsers,
		"inviteUsers":              seatwright.PermissionWriteUsers,
		"updateUser":               seatwright.PermissionWriteUsers,
		"deleteUser":               seatwright.PermissionWriteUsers,
		"deleteUsers":              seatwright.PermissionWriteUsers,
		"changePassword":           seatwright.PermissionOwnPassword,
		"searchDirectory":          seatwright.PermissionReadDirectory,
		"resolveNames":             seatwright.PermissionReadDirectory,
		"resolveEntity":            seatwright.PermissionReadDirectory,
		"listMemberships":          seatwright.PermissionReadDirectory,
		"listDirectoryScopes":      seatwright.PermissionReadDirectory,
		"loadGroups":               seatwright.PermissionWriteGroups,
		"checkMembers":             seatwright.PermissionWriteGroups,
	}
	for _, id := range []string{
		"listAuditLogs", "listAuditLogsOfPartition", "downloadAuditLogs", "listPortalAuditLog", "listPortalAuditLogOfPartition", "listIdentityAuditQuery",
		"downloadIdentityAuditQuery", "queryAuditEvents",
	} {
		want[id] = seatwright.PermissionReadAudit
	}
	for _, id := range []string{
		"createExternalClient", "listExternalClients", "getExternalClient", "updateExternalClient", "deleteExternalClient", "deleteExternalClients",
		"generateSecret", "deleteSecret", "listExternalApiResources",
	} {
		want[id] = seatwright.PermissionManageApplications
	}
	for _, id := range []string{"createReferenceToken", "listReferenceTokens", "getReferenceToken", "renewReferenceToken", "deleteReferenceToken"} {
		want[id] = seatwright.PermissionOwnTokens
	}
	for _, id := range []string{
		"listGroupAllocations", "listGroupAllocationPage", "getRulesOverview", "listGroupRulesWithQuota", "getGroupRule", "getGroupRuleWithQuota",
		"listGroupUsersInBulk", "listGroupUsers", "getGroupAllocation", "listExplicitAllocations", "listExplicitAllocationPage", "getExplicitAllocation",
		"listHeldLicenses", "getAvailableUserBundles", "listUserBundleLeases", "listExplicitCodes", "listGroupCodes", "getLicenseInheritance", "getUserLicenseState",
	} {
		want[id] = seatwright.PermissionReadLicenses
	}
	for _, id := range []string{
		"setGroupRule", "postGroupRule", "removeGroupRule", "setGroupRuleWithQuota", "revokeLeases", "revokeLease", "closeSessionOfUser",
	} {
		want[id] = seatwright.PermissionWriteLicenses
	}
	for _, id := range []string{
		"listPortalPools", "listPortalUsers", "getPortalGroup", "listPortalGroups", "listPortalGroupAllocations", "getPortalInventory", "getPortalAccount",
		"listPortalTenantAllocations", "listPortalPeople", "listPortalPeopleOfPartition", "getOrchestratorLicense", "listNamedUserLicenses", "listRuntimeLicenses",
	} {
		want[id] = seatwright.PermissionReadLicenses
	}
	for _, id := range []string{
		"replacePortalUserLicenses", "removePortalUserLicenses", "addPortalUsers", "setPortalGroup", "removePortalGroup", "revokePortalLease",
	} {
		want[id] = seatwright.PermissionWriteLicenses
	}
	want["deletePortalUsers"], want["listAccessPolicy"] = seatwright.PermissionWriteUsers, seatwright.PermissionReadDirectory
	want["getTenantsAndOrganization"], want["getCurrentUser"] = seatwright.PermissionAnybody, seatwright.PermissionAnybody
	want["listDenials"], want["countDenials"] = seatwright.PermissionReadDenials, seatwright.PermissionReadDenials
	want["getPolicies"], want["changePolicies"] = seatwright.PermissionManagePolicies, seatwright.PermissionManagePolicies
	for _, id := range []string{"openUserSession", "closeUserSession", "releaseOwnLicenses"} {
		want[id] = seatwright.PermissionOwnLicenses
	}
	for _, id := range []string{"getEntitlement", "listEntitlements", "checkEntitlements", "issueEntitlementToken", "checkEntitlementNames"} {
		want[id] = seatwright.PermissionAskEntitlements
	}
	for _, id := range []string{"getServiceEntitlement", "putServiceEntitlement"} {
		want[id] = seatwright.PermissionReadLicenses
	}
	want["deleteReferenceTokensOfUsers"] = seatwright.PermissionWriteUsers
	for _, id := range []string{
		"listServiceLicenses", "getTenantLicense", "getServiceLicense", "listServiceProducts", "getServiceLicenseStatus", "listTenantServices",
		"listAccountAllocations", "listTenantShare", "listTenantAllocations", "listAccountLicenses", "listAvailableServices", "getLicenseSummary", "getUserLicensingStatus",
	} {
		want[id] = seatwright.PermissionReadAccounts
	}
	for _, id := range []string{"allocateServiceLicense", "postServiceLicense", "removeServiceLicense", "removeTenantLicenses", "setUserLicensingStatus"} {
		want[id] = seatwright.PermissionWriteServices
	}
	for _, id := range []string{
		"getOrganizationLicense", "allocateOrganizationLicense", "postOrganizationLicense", "getOrganizationLicenseAvailable",
		"removeOrganizationLicense", "listHostProducts", "removeAccountLicense",
	} {
		want[id] = seatwright.PermissionManageHost
	}
	for _, id := range []string{
		"acquireLease", "acquireAccountLease", "acquireOrganizationLease", "acquireServiceLease", "acquireLeaseOfService", "postLease", "putLease", "releaseLease",
		"releaseLeases", "releaseAllLeases",
	} {
		want[id] = seatwright.PermissionWriteLicenses
	}
	for _, id := range []string{
		"getLease", "countAvailableUnits", "listAvailableUnits", "listAvailableUnitsOfService", "getConsumed", "getConsumedOfService", "getUsage", "listTenantUsage",
		"queryUsage", "computeUsage", "getUsageTimeline", "getOrganizationTimeline", "getProductsInUse",
	} {
		want[id] = seatwright.PermissionReadLicenses
	}
	want["getOwnServiceLicense"] = seatwright.PermissionReadLicenses
	want["getDeploymentType"], want["getLeaseDeploymentType"] = seatwright.PermissionAnybody, seatwright.PermissionAnybody
	for _, id := range []string{"activateHostLicense", "deactivateHostLicense", "activateHostLicenseOffline", "deactivateHostLicenseOffline", "getHostActivationRequest"} {
		want[id], want[strings.Replace(id, "Host", "Account", 1)] = seatwright.PermissionManageHost, seatwright.PermissionImportLicenses
	}
	want["validateLicenseOffline"] = seatwright.PermissionImportLicenses
	public := []string{"authenticate", "token", "authorize", "showLogin", "endSession", "userInfo", "introspect", "revokeToken", "discovery", "keys", "getOpenAPI", "getAuthenticationSettings", "getOrchestratorVersion"}
	for id, op := range operations(t) {
		if op.Public != slices.Contains(public, id) {
			t.Errorf("%s: public is %v", id, op.Public)
		}
		if !reflect.DeepEqual(op.Permission, want[id]) {
			t.Errorf("%s: %+v, want %+v", id, op.Permission, want[id])
		}
		delete(want, id)
	}
	if len(want) > 0 {
		t.Errorf("not in the documents: %v", want)
	}
}

func TestOperationsAreWhole(t *testing.T) {
	t.Parallel()
	all := operations(t)
	got := all["replaceUserLicenses"]
	want := api.Operation{
		ID: "replaceUserLicenses", Document: api.AutomationSuite, Method: "PUT", Path: "/lease_/api/account/{accountId}/user-license", Tag: "lease",
		Permission: seatwright.PermissionWriteLicenses,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
	if len(all) != 215 {
		t.Errorf("%d operations", len(all))
	}
}

func TestDocumentsAreValidOpenAPI(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"automation-suite.yaml", "seatwright.yaml"} {
		doc, err := openapi3.NewLoader().LoadFromFile(name)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := doc.Validate(context.Background(), openapi3.EnableExamplesValidation()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Every operation says what it answers, and every write takes an idempotency key.
func TestOperationsDocumentTheirStatuses(t *testing.T) {
	t.Parallel()
	reads := []string{ // by POST or PUT, with a body
		"resolveNames", "resolveEntity", "listMemberships", "loadGroups", "checkMembers", "listGroupAllocations", "listHeldLicenses", "listAvailableUnits",
		"listAvailableUnitsOfService", "queryUsage", "computeUsage", "getUsageTimeline", "getOrganizationTimeline", "getProductsInUse", "checkEntitlements", "checkEntitlementNames",
	}
	bodiless := []string{"issueEntitlementToken", "putServiceEntitlement"}         // reads by another method, without a body
	inUseIs400 := []string{"addUser", "addUsers", "inviteUsers", "changePassword"} // as it is published
	fullIs403 := []string{                                                         // likewise
		"acquireLease", "acquireAccountLease", "acquireOrganizationLease", "acquireServiceLease", "acquireLeaseOfService", "postLease", "putLease",
	}
	for _, name := range []string{"automation-suite.yaml", "seatwright.yaml"} {
		doc, err := openapi3.NewLoader().LoadFromFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for path, item := range doc.Paths.Map() {
			for method, op := range item.Operations() {
				if len(*op.Security) == 0 {
					continue
				}
				want := "401 429 500 503"
				if op.Extensions["x-anybody"] == nil { // there, nothing can be wrong with the question and nobody is refused
					want += " 400 403 404"
				}
				withoutConflict := slices.Contains([]string{
					"activateHostLicense", "activateAccountLicense", "activateHostLicenseOffline", "activateAccountLicenseOffline", "validateLicenseOffline",
					"changeSettings", "updateMessageTemplate", "setGroupRule", "postGroupRule", "setUserLicensingStatus", "updateExternalClient", "addPortalUsers", "setPortalGroup",
				}, op.OperationID) // the last one counts
				if slices.Contains(bodiless, op.OperationID) {
					method = "GET"
				}
				if slices.Contains(reads, op.OperationID) {
					method = "GET"
					want += " 413 415"
				}
				if slices.Contains(secretAnswers, op.OperationID) { // which are kept for no repetition
					for _, status := range []string{"413", "415"} {
						if op.Responses.Value(status) == nil {
							t.Errorf("%s %s does not document %s", method, path, status)
						}
					}
					method = "GET"
				}
				if (method == "PUT" || method == "POST") && !withoutConflict && !slices.Contains(inUseIs400, op.OperationID) && !slices.Contains(fullIs403, op.OperationID) {
					want += " 409" // a removal takes no unit and makes nothing
				}
				if method != "GET" {
					want += " 422"
					if op.RequestBody != nil {
						want += " 413 415"
					}
					if op.Parameters.GetByInAndName("header", "Idempotency-Key") == nil {
						t.Errorf("%s %s takes no Idempotency-Key", method, path)
					}
				}
				for status := range strings.FieldsSeq(want) {
					if op.Responses.Value(status) == nil {
						t.Errorf("%s %s does not document %s", method, path, status)
					}
				}
			}
		}
	}
}

// secretAnswers are the writes whose answers hold a secret.
var secretAnswers = []string{"createExternalClient", "generateSecret", "createReferenceToken", "renewReferenceToken"}

// Answers have their fields in the order in which the documents list them. The generator only goes by x-order.
func TestFieldsAreInTheOrderOfTheDocument(t *testing.T) {
	t.Parallel()
	generatedNowhere := []string{"LoginRequest", "LoginAnswer", "TokenRequest", "TokenAnswer", "OAuthError"}
	for _, name := range []string{"automation-suite.yaml", "seatwright.yaml"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var document struct {
			Components struct {
				Schemas map[string]struct {
					Properties yaml.Node `yaml:"properties"`
				} `yaml:"schemas"`
			} `yaml:"components"`
		}
		if err := yaml.Unmarshal(text, &document); err != nil {
			t.Fatal(err)
		}
		for schema, described := range document.Components.Schemas {
			if slices.Contains(generatedNowhere, schema) {
				continue
			}
			fields := described.Properties.Content // names and values by turns
			for i := 1; i < len(fields); i += 2 {
				var field struct {
					Order int `yaml:"x-order"`
				}
				if err := fields[i].Decode(&field); err != nil || field.Order != (i+1)/2 {
					t.Errorf("%s: %s.%s has the x-order %d, want %d", name, schema, fields[i-1].Value, field.Order, (i+1)/2)
				}
			}
		}
	}
}

// The shapes that both documents have are generated from one of them only.
func TestSharedShapesAreEqual(t *testing.T) {
	t.Parallel()
	var documents [2]struct {
		Components struct {
			Schemas map[string]any `yaml:"schemas"`
		} `yaml:"components"`
	}
	for i, name := range []string{"automation-suite.yaml", "seatwright.yaml"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := yaml.Unmarshal(text, &documents[i]); err != nil {
			t.Fatal(err)
		}
	}
	for _, shape := range []string{"Problem", "Shortage"} {
		a, b := documents[0].Components.Schemas[shape], documents[1].Components.Schemas[shape]
		if a == nil || !reflect.DeepEqual(a, b) {
			t.Errorf("%s differs", shape)
		}
	}
}

// An id of a customer need not be a UUID: the published samples are singer-77 and song-one.
func TestIDsHaveNoFormat(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"automation-suite.yaml", "seatwright.yaml"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "format: uuid") {
			t.Errorf("%s has ids with a format", name)
		}
	}
}

func TestNativeJSONIsTheDocument(t *testing.T) {
	t.Parallel()
	text, err := api.NativeJSON()
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		OpenAPI string         `json:"openapi"`
		Paths   map[string]any `json:"paths"`
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(doc.OpenAPI, "3.1") || doc.Paths["/api/v1/organizations"] == nil {
		t.Errorf("%s", text)
	}
}

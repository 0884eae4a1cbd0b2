package identity

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/seatwright/seatwright"
	"github.com/seatwright/seatwright/internal/api"
	"github.com/seatwright/seatwright/internal/directory"
	"github.com/seatwright/seatwright/wire"
)

// Applications is what the door asks about external applications.
type Applications interface {
	Create(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, n directory.NewApplication) (seatwright.Application, string, error)
	List(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID) ([]seatwright.Application, error)
	Get(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, id seatwright.ApplicationID) (seatwright.Application, error)
	Update(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, id seatwright.ApplicationID, change directory.ApplicationChange) (seatwright.Application, error)
	Delete(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, ids []seatwright.ApplicationID) error
	AddSecret(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, id seatwright.ApplicationID, description string, expires time.Time) (seatwright.ApplicationSecret, string, error)
	RemoveSecret(ctx context.Context, caller seatwright.Caller, organization seatwright.OrganizationID, secret string) error
}

// CreateExternalClient is POST ExternalClient.
func (h handlers) CreateExternalClient(ctx context.Context, request CreateExternalClientRequestObject) (CreateExternalClientResponseObject, error) {
	if err := api.CheckOrganization(ctx, request.Body.PartitionGlobalID); err != nil {
		return nil, err
	}
	own, ofPeople, err := scopesOf(request.Body.Scopes, request.Body.IsConfidential)
	if err != nil {
		return nil, err
	}
	a, secret, err := h.Applications.Create(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, directory.NewApplication{
		ID: orEmpty(request.Body.ID), Name: request.Body.Name, Public: !request.Body.IsConfidential, RedirectURIs: addressesOf(orEmpty(request.Body.RedirectURI)),
		Scopes: own, UserScopes: ofPeople,
	})
	if err != nil {
		return nil, err
	}
	answer := externalClientOf(a)
	answer.Secret = api.OrNull(secret)
	return CreateExternalClient201JSONResponse(answer), nil
}

// ListExternalClients is GET ExternalClient/{id}.
func (h handlers) ListExternalClients(ctx context.Context, _ ListExternalClientsRequestObject) (ListExternalClientsResponseObject, error) {
	all, err := h.Applications.List(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID)
	if err != nil {
		return nil, err
	}
	answer := make(ListExternalClients200JSONResponse, len(all))
	for i, a := range all {
		answer[i] = externalClientOf(a)
	}
	return answer, nil
}

// GetExternalClient is GET ExternalClient/{partitionGlobalId}/{clientId}.
func (h handlers) GetExternalClient(ctx context.Context, request GetExternalClientRequestObject) (GetExternalClientResponseObject, error) {
	id, err := applicationID(request.ClientID)
	if err != nil {
		return nil, err
	}
	a, err := h.Applications.Get(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, id)
	return GetExternalClient200JSONResponse(externalClientOf(a)), err
}

// UpdateExternalClient is PUT ExternalClient/{id}.
func (h handlers) UpdateExternalClient(ctx context.Context, request UpdateExternalClientRequestObject) (UpdateExternalClientResponseObject, error) {
	if err := api.CheckOrganization(ctx, request.Body.PartitionGlobalID); err != nil {
		return nil, err
	}
	id, err := applicationID(request.ID)
	if err != nil {
		return nil, err
	}
	change := directory.ApplicationChange{Name: request.Body.Name}
	if request.Body.RedirectURI != nil {
		addresses := addressesOf(*request.Body.RedirectURI)
		change.RedirectURIs = &addresses
	}
	if request.Body.Scopes != nil {
		before, err := h.Applications.Get(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, id)
		if err != nil {
			return nil, err
		}
		own, ofPeople, err := scopesOf(request.Body.Scopes, before.Confidential)
		if err != nil {
			return nil, err
		}
		change.Scopes, change.UserScopes = &own, &ofPeople
	}
	a, err := h.Applications.Update(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, id, change)
	return UpdateExternalClient200JSONResponse(externalClientOf(a)), err
}

// DeleteExternalClients is DELETE ExternalClient/{id}.
func (h handlers) DeleteExternalClients(ctx context.Context, request DeleteExternalClientsRequestObject) (DeleteExternalClientsResponseObject, error) {
	ids := make([]seatwright.ApplicationID, len(request.Body.ClientIds))
	for i, text := range request.Body.ClientIds {
		id, err := applicationID(text)
		if err != nil {
			return nil, err
		}
		ids[i] = id
	}
	return DeleteExternalClients204Response{}, h.Applications.Delete(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, ids)
}

// DeleteExternalClient is DELETE ExternalClient/{partitionGlobalId}/{clientId}.
func (h handlers) DeleteExternalClient(ctx context.Context, request DeleteExternalClientRequestObject) (DeleteExternalClientResponseObject, error) {
	id, err := applicationID(request.ClientID)
	if err != nil {
		return nil, err
	}
	return DeleteExternalClient204Response{}, h.Applications.Delete(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, []seatwright.ApplicationID{id})
}

// GenerateSecret is POST ExternalClient/GenerateSecret.
func (h handlers) GenerateSecret(ctx context.Context, request GenerateSecretRequestObject) (GenerateSecretResponseObject, error) {
	if err := api.CheckOrganization(ctx, request.Body.PartitionGlobalID); err != nil {
		return nil, err
	}
	id, err := applicationID(request.Body.ClientID)
	if err != nil {
		return nil, err
	}
	var expires time.Time
	if request.Body.ExpiryTime != nil {
		expires = *request.Body.ExpiryTime
	}
	made, secret, err := h.Applications.AddSecret(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, id, orEmpty(request.Body.Description), expires)
	answer := secretOf(made)
	answer.Secret = api.OrNull(secret)
	return GenerateSecret200JSONResponse(answer), err
}

// DeleteSecret is DELETE ExternalClient/{partitionGlobalId}/secrets/{secretId}.
func (h handlers) DeleteSecret(ctx context.Context, request DeleteSecretRequestObject) (DeleteSecretResponseObject, error) {
	return DeleteSecret204Response{}, h.Applications.RemoveSecret(ctx, api.CallerOf(ctx), api.OrganizationOf(ctx).ID, request.SecretID)
}

// ListExternalAPIResources is GET ExternalApiResource.
func (h handlers) ListExternalAPIResources(context.Context, ListExternalAPIResourcesRequestObject) (ListExternalAPIResourcesResponseObject, error) {
	all := seatwright.PublishedScopes()
	return ListExternalAPIResources200JSONResponse(resourcesOf(all, all)), nil
}

// applicationID reads a client id; one that nobody can have is of nobody.
func applicationID(text string) (seatwright.ApplicationID, error) {
	id, err := seatwright.CanonicalID(text)
	if err != nil {
		return "", seatwright.MissingApplication()
	}
	return seatwright.ApplicationID(id), nil
}

// addressesOf parts addresses at commas.
func addressesOf(text string) []string {
	addresses := []string{}
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			addresses = append(addresses, part)
		}
	}
	return addresses
}

// scopesOf parts scopes by their type: what the application may ask for itself, and in the name of people.
func scopesOf(all []wire.ExternalClientScope, confidential bool) (own, ofPeople []seatwright.Scope, err error) {
	own, ofPeople = []seatwright.Scope{}, []seatwright.Scope{}
	for _, s := range all {
		kind := strings.ToLower(orEmpty(s.Type))
		switch {
		case kind == "" && confidential, kind == "userandapplication":
			own, ofPeople = append(own, seatwright.Scope(s.Name)), append(ofPeople, seatwright.Scope(s.Name))
		case kind == "", kind == "user":
			ofPeople = append(ofPeople, seatwright.Scope(s.Name))
		case kind == "application":
			own = append(own, seatwright.Scope(s.Name))
		default:
			return nil, nil, seatwright.Invalid(seatwright.ReasonInvalidValue, "the type of a scope is application, user or userAndApplication").In("scopes")
		}
	}
	return own, ofPeople, nil
}

func externalClientOf(a seatwright.Application) wire.ExternalClientDto {
	answer := wire.ExternalClientDto{
		ID: string(a.ID), Name: a.Name, IsConfidential: a.Confidential, RedirectURI: strings.Join(a.RedirectURIs, ","),
		Resources: resourcesOf(a.Scopes, a.UserScopes), Secrets: make([]wire.ExternalClientSecretDto, len(a.Secrets)),
	}
	for i, s := range a.Secrets {
		answer.Secrets[i] = secretOf(s)
	}
	return answer
}

func secretOf(s seatwright.ApplicationSecret) wire.ExternalClientSecretDto {
	answer := wire.ExternalClientSecretDto{ID: s.ID, Description: s.Description, CreationTime: s.CreatedAt}
	if !s.ExpiresAt.IsZero() {
		answer.ExpiryTime = &s.ExpiresAt
	}
	return answer
}

// resourcesOf gathers scopes by what they belong to.
func resourcesOf(own, ofPeople []seatwright.Scope) []wire.ExternalAPIResourceDto {
	resources := []wire.ExternalAPIResourceDto{}
	for _, scope := range slices.Concat(own, ofPeople) {
		words := strings.Split(string(scope), ".")
		name := words[min(1, len(words)-1)]
		i := slices.IndexFunc(resources, func(r wire.ExternalAPIResourceDto) bool { return r.Name == name })
		if i < 0 {
			i = len(resources)
			resources = append(resources, wire.ExternalAPIResourceDto{Name: name, DisplayName: name, Scopes: []wire.ExternalAPIScopeDto{}})
		}
		if slices.ContainsFunc(resources[i].Scopes, func(s wire.ExternalAPIScopeDto) bool { return s.Name == string(scope) }) {
			continue
		}
		kind := wire.ScopeForBoth
		switch {
		case !slices.Contains(ofPeople, scope):
			kind = wire.ScopeForApplications
		case !slices.Contains(own, scope):
			kind = wire.ScopeForUsers
		}
		resources[i].Scopes = append(resources[i].Scopes, wire.ExternalAPIScopeDto{Name: string(scope), DisplayName: string(scope), Type: kind})
	}
	return resources
}

package admin

import (
	adminv1 "github.com/tollgate-authz/tollgate/proto/tollgate/admin/v1"
)

// permissions is the role that each method needs. A method that is not here is
// refused: whoever adds one to the proto says here who may call it.
func permissions() map[string]Role {
	return map[string]Role{
		adminv1.KeyService_CreateKey_FullMethodName:       Write,
		adminv1.KeyService_BatchCreateKeys_FullMethodName: Write,
		adminv1.KeyService_GetKey_FullMethodName:          Read,
		adminv1.KeyService_ListKeys_FullMethodName:        Read,
		adminv1.KeyService_UpdateKey_FullMethodName:       Write,
		adminv1.KeyService_RotateKey_FullMethodName:       Write,
		adminv1.KeyService_DeleteKey_FullMethodName:       Write,

		adminv1.UsageService_GetUsage_FullMethodName:   Read,
		adminv1.UsageService_ResetUsage_FullMethodName: Write,
		adminv1.UsageService_TopUpUsage_FullMethodName: Write,

		adminv1.TokenService_ShowToken_FullMethodName:        Read,
		adminv1.TokenService_RevokeToken_FullMethodName:      Write,
		adminv1.TokenService_CreateRevocation_FullMethodName: Write,
		adminv1.TokenService_ListRevocations_FullMethodName:  Read,
		adminv1.TokenService_DeleteRevocation_FullMethodName: Write,

		adminv1.StatusService_GetStatus_FullMethodName:    Read,
		adminv1.StatusService_Reload_FullMethodName:       Write,
		adminv1.StatusService_ListAPIs_FullMethodName:     Read,
		adminv1.StatusService_ListPolicies_FullMethodName: Read,
		adminv1.StatusService_ListKeySets_FullMethodName:  Read,

		adminv1.DecisionService_Explain_FullMethodName:        Read,
		adminv1.DecisionService_GetDecision_FullMethodName:    Read,
		adminv1.DecisionService_WatchDecisions_FullMethodName: Read,
	}
}

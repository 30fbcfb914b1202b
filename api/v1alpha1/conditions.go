// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// The conditions follow kstatus: Ready and Published are always there, Stalled and the others only while
// they are True.
const (
	// ConditionReady says whether clients are served.
	//
	// Reasons for True: "Serving", "ServingSecondary".
	// Reasons for False: "NoHealthyRegion", "ActiveRegionFailing", "NotPublished", "Stalled".
	ConditionReady = "Ready"

	// ConditionPublished says whether the EndpointSlices, and they alone, show the active region.
	//
	// Reason for True: "Published".
	// Reasons for False: "Pending", "ForeignEndpoints", "ServiceRefused", "Conflicted", "WriteRefused".
	ConditionPublished = "Published"

	// ConditionStalled says that a person has to put something right.
	//
	// Reasons for True: "ServiceRefused", "Conflicted", "ClusterIPEndpoint", "AddressFamily",
	// "AddressRefused", "InvalidExpression", "RefNotPermitted", "ServicePortNotFound",
	// "ExternalNameService", "PublishedService".
	ConditionStalled = "Stalled"

	// ConditionFailedOver says that traffic does not go to the primary region. Its reason is the type of
	// the transition that brought it where it is: "FailedOver", "FailedBack", "SwitchedOver".
	ConditionFailedOver = "FailedOver"

	// ConditionDegraded says that a failover would find less than it should.
	//
	// Reasons for True: "QuotaExhausted", "RegionsFailing", "NoSecondary", "WouldMove" (in mode Observe).
	ConditionDegraded = "Degraded"

	// ConditionProbeInconclusive says that the newest probes of a region, as many as would open its
	// breaker, say nothing about its health.
	//
	// Reasons for True: "BadCredentials", "CredentialsUnreadable", "ModelMissing", "NotFound", "BadRequest",
	// "BudgetExhausted", "NoReadableAnswer".
	ConditionProbeInconclusive = "ProbeInconclusive"

	// ConditionSignalsUnavailable says that the Prometheus server that spec.signals names does not tell what
	// real traffic meets.
	//
	// Reasons for True: "ServerNotAllowed", "ServerUnreachable", "QueryRefused", "NoData", "AmbiguousResult".
	ConditionSignalsUnavailable = "SignalsUnavailable"

	// ConditionProbeBudgetExhausted says that probes ask less than they should, because the completions that they
	// may ask for are used up.
	//
	// Reason for True: "BudgetExhausted".
	ConditionProbeBudgetExhausted = "ProbeBudgetExhausted"

	// ConditionActiveRegionRemoved says that the active region is no longer in the spec.
	//
	// Reason for True: "NotInSpec".
	ConditionActiveRegionRemoved = "ActiveRegionRemoved"

	// ConditionFailoverLimited says that a limit keeps traffic from moving without an order.
	//
	// Reasons for True: "MaxPerHour" (until status.failoverLimitedUntil), "WaitingForTurn".
	ConditionFailoverLimited = "FailoverLimited"

	// ConditionPaused says that nothing is moved because a person wants it so.
	//
	// Reasons for True: "PausedByAnnotation", "PausedUntil", "InvalidPauseValue".
	ConditionPaused = "Paused"
)

// The reasons of conditions.
const (
	ReasonServing             = "Serving"
	ReasonServingSecondary    = "ServingSecondary"
	ReasonNoHealthyRegion     = "NoHealthyRegion"
	ReasonActiveRegionFailing = "ActiveRegionFailing"
	ReasonNotPublished        = "NotPublished"
	ReasonStalled             = "Stalled"

	ReasonPublished        = "Published"
	ReasonPending          = "Pending"
	ReasonForeignEndpoints = "ForeignEndpoints"
	ReasonServiceRefused   = "ServiceRefused"
	ReasonConflicted       = "Conflicted"
	ReasonWriteRefused     = "WriteRefused"

	ReasonClusterIPEndpoint = "ClusterIPEndpoint"
	ReasonAddressFamily     = "AddressFamily"
	ReasonAddressRefused    = "AddressRefused"

	ReasonInvalidExpression = "InvalidExpression"

	ReasonRefNotPermitted     = "RefNotPermitted"
	ReasonServicePortNotFound = "ServicePortNotFound"
	ReasonExternalNameService = "ExternalNameService"
	ReasonPublishedService    = "PublishedService"

	ReasonQuotaExhausted = "QuotaExhausted"
	ReasonRegionsFailing = "RegionsFailing"
	ReasonNoSecondary    = "NoSecondary"
	ReasonWouldMove      = "WouldMove"

	ReasonBadCredentials        = "BadCredentials"
	ReasonCredentialsUnreadable = "CredentialsUnreadable"
	ReasonModelMissing          = "ModelMissing"
	ReasonNotFound              = "NotFound"
	ReasonBadRequest            = "BadRequest"
	ReasonNoReadableAnswer      = "NoReadableAnswer"
	ReasonBudgetExhausted       = "BudgetExhausted"

	ReasonServerNotAllowed  = "ServerNotAllowed"
	ReasonServerUnreachable = "ServerUnreachable"
	ReasonQueryRefused      = "QueryRefused"
	ReasonNoData            = "NoData"
	ReasonAmbiguousResult   = "AmbiguousResult"

	ReasonNotInSpec = "NotInSpec"

	ReasonMaxPerHour     = "MaxPerHour"
	ReasonWaitingForTurn = "WaitingForTurn"

	ReasonPausedByAnnotation = "PausedByAnnotation"
	ReasonPausedUntil        = "PausedUntil"
	ReasonInvalidPauseValue  = "InvalidPauseValue"
)

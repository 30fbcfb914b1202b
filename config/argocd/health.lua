-- Copyright The Breakwater Authors.
-- SPDX-License-Identifier: Apache-2.0
--
-- Tells Argo CD how healthy an LLMBackend is. How to put it into argocd-cm: docs/gitops.md.

local hs = {}

if obj.metadata.deletionTimestamp ~= nil then
  hs.status = "Progressing"
  hs.message = "is being deleted"
  return hs
end

local status = obj.status
if status == nil or status.conditions == nil or status.observedGeneration ~= obj.metadata.generation then
  hs.status = "Progressing"
  hs.message = "the operator has not read the newest change yet"
  return hs
end

local conditions = {}
for _, c in ipairs(status.conditions) do
  conditions[c.type] = c
end

-- Only a person can put it right.
local stalled = conditions["Stalled"]
if stalled ~= nil and stalled.status == "True" then
  hs.status = "Degraded"
  hs.message = stalled.message
  return hs
end

local ready = conditions["Ready"]
if ready == nil then
  hs.status = "Progressing"
  hs.message = "the operator has not reported yet"
  return hs
end
hs.message = ready.message

if ready.status ~= "True" then
  local published = conditions["Published"]
  if ready.reason == "NotPublished" and (published == nil or published.reason == "Pending" or published.status == "True") then
    hs.status = "Progressing"
  else
    hs.status = "Degraded"
  end
  return hs
end

local paused = conditions["Paused"]
if paused ~= nil and paused.status == "True" then
  hs.status = "Suspended"
  hs.message = paused.message
  return hs
end

hs.status = "Healthy"
return hs

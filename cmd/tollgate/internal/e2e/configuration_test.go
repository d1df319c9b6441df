package e2e

// configuration is what most questions are asked of. orders has the default
// identity headers; shop takes tokens from three places, strips them and injects
// headers of its own; rpc is a gRPC service; look only observes.
const configuration = `
version: 1
listen: {check: "127.0.0.1:0"}
drain: {delay: 2s, timeout: 25s}
apis:
  - id: orders
    match: [{host: "*", path: /orders}]
    public: [{methods: [GET], path: /orders/health}]
    keys: [{jwk: file://keys.json, issuer: https://issuer.example/}]
    claims: {audiences: [orders]}
    policies: {default: [reader]}
  - id: shop
    match: [{host: "*", path: /shop}]
    token: {header: Authorization, query: access_token, cookie: session, strip: true}
    keys: [{jwk: file://keys.json, issuer: https://issuer.example/}]
    claims: {audiences: [orders]}
    policies: {default: [reader]}
    inject: {x-user: $claims.sub, x-plan: $meta.plan}
  - id: rpc
    match: [{host: "*", path: /shop.Orders}]
    keys: [{jwk: file://keys.json, issuer: https://issuer.example/}]
    claims: {audiences: [orders]}
    policies: {default: [reader]}
  - id: look
    mode: observe
    match: [{host: "*", path: /look}]
    keys: [{jwk: file://keys.json, issuer: https://issuer.example/}]
    claims: {audiences: [orders]}
    policies: {default: [reader]}
policies:
  - id: reader
    meta: {plan: gold}
    tags: [retail]
    access:
      orders:
        allow:
          - {methods: [GET, HEAD], path: /orders/**}
          - {methods: [POST], path: /orders, require_scopes: ["orders:write"]}
      shop: {allow: all}
      rpc: {allow: all}
      look: {allow: all}
`

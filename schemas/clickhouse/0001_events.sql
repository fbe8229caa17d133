-- Enforced events: what the policy let the store have, one row an event. The
-- columns down to `value` are the fields of the event model, under their names.
--
-- A text that an event does not have is ''; a number is NULL, since 0 is a
-- number that events do have. Identifiers are pseudonyms.
--
-- Nothing here may tell when or in which order an anonymised row arrived: its
-- time is coarse, and there is no time of insertion and no Kafka offset.
--
-- The sorting key begins as questions do: a site, a type, a range of time. With
-- the id it names an event, so that the sink finds one that is there already by
-- reading a few granules, and so that a duplicate that got by nevertheless is
-- folded. No identifier is in it: what is in a sorting key cannot be updated.
CREATE TABLE IF NOT EXISTS {{.Local "events"}}{{.OnCluster}}
(
    id               UUID                     COMMENT 'Event id. An anonymised event has one of its own.',
    type             LowCardinality(String)   COMMENT 'What happened: pageview, ad_impression, ad_click, conversion, consent, custom.',
    site             LowCardinality(String)   COMMENT 'The site (service) as the handling policy names it.',
    time             DateTime64(3, 'UTC')     COMMENT 'When it happened. Coarse in an anonymised event.' CODEC(Delta, ZSTD(1)),

    visitor_id       String                   COMMENT 'First-party visitor identifier.' CODEC(ZSTD(1)),
    user_id          String                   COMMENT 'Account identifier of the site.' CODEC(ZSTD(1)),
    session_id       String                   COMMENT 'Session identifier.' CODEC(ZSTD(1)),
    app_instance_id  String                   COMMENT 'App instance identifier of the analytics SDK of an app.' CODEC(ZSTD(1)),
    ga               String                   COMMENT 'Client id of Google.' CODEC(ZSTD(1)),
    fbp              String                   COMMENT 'Browser id of Meta.' CODEC(ZSTD(1)),
    fbc              String                   COMMENT 'Click id of Meta.' CODEC(ZSTD(1)),
    idfa             String                   COMMENT 'Advertising identifier of Apple.' CODEC(ZSTD(1)),
    gaid             String                   COMMENT 'Advertising identifier of Android.' CODEC(ZSTD(1)),
    panel_id         String                   COMMENT 'Research panel membership.' CODEC(ZSTD(1)),

    name             LowCardinality(String)   COMMENT 'Name of a custom event or conversion.',
    url              String                   COMMENT 'Page address.' CODEC(ZSTD(1)),
    title            String                   COMMENT 'Page title.' CODEC(ZSTD(1)),
    referrer         String                   COMMENT 'Address of the page that led here. Only its origin in an anonymised event.' CODEC(ZSTD(1)),
    utm_source       LowCardinality(String)   COMMENT 'Campaign source.',
    utm_medium       LowCardinality(String)   COMMENT 'Campaign medium.',
    utm_campaign     LowCardinality(String)   COMMENT 'Campaign name.',
    utm_term         LowCardinality(String)   COMMENT 'Campaign term.',
    utm_content      LowCardinality(String)   COMMENT 'Campaign content.',
    engagement_ms    Nullable(UInt32)         COMMENT 'Time the page was in view, milliseconds.',
    scroll_percent   Nullable(UInt32)         COMMENT 'How far the page was scrolled, percent.',
    order_id         String                   COMMENT 'Number of an order at the site.' CODEC(ZSTD(1)),

    screen_width     Nullable(UInt32)         COMMENT 'Screen width, CSS pixels.',
    screen_height    Nullable(UInt32)         COMMENT 'Screen height, CSS pixels.',
    viewport_width   Nullable(UInt32)         COMMENT 'Viewport width, CSS pixels.',
    viewport_height  Nullable(UInt32)         COMMENT 'Viewport height, CSS pixels.',
    language         LowCardinality(String)   COMMENT 'Language, BCP 47.',
    timezone         LowCardinality(String)   COMMENT 'IANA time zone.',
    user_agent       String                   COMMENT 'User agent. Only family and major version, such as Chrome 126, in an anonymised event.' CODEC(ZSTD(1)),
    app_version      LowCardinality(String)   COMMENT 'Version of the app.',

    country          LowCardinality(String)   COMMENT 'Country, ISO 3166-1 alpha-2.',
    region           LowCardinality(String)   COMMENT 'Region, ISO 3166-2 (US-CA).',

    age_band         LowCardinality(String)   COMMENT 'Age band, such as 30-39.',
    gender           LowCardinality(String)   COMMENT 'Gender as the user stated it.',

    ad_network       LowCardinality(String)   COMMENT 'Advertising network.',
    ad_campaign      LowCardinality(String)   COMMENT 'Advertising campaign.',
    ad_creative      LowCardinality(String)   COMMENT 'Creative.',
    ad_placement     LowCardinality(String)   COMMENT 'Placement.',
    ad_click_id      String                   COMMENT 'Click identifier, such as gclid.' CODEC(ZSTD(1)),
    price            Nullable(Decimal(19, 6)) COMMENT 'Price paid for the advertisement, in currency, to a millionth.',
    currency         LowCardinality(String)   COMMENT 'Currency, ISO 4217.',
    value            Nullable(Decimal(19, 6)) COMMENT 'Value of a conversion, in currency, to a millionth.',

    properties        Map(LowCardinality(String), String)  COMMENT 'Properties of the site that are texts or true or false.',
    properties_number Map(LowCardinality(String), Float64) COMMENT 'Properties of the site that are numbers.',

    outcome          LowCardinality(String)   COMMENT 'allowed or anonymised.',
    reason           LowCardinality(String)   COMMENT 'Why it had this outcome.',
    policy           LowCardinality(String)   COMMENT 'Version (date) of the handling policy that decided.',
    jurisdiction     LowCardinality(String)   COMMENT 'Jurisdiction whose rules were applied.',
    purposes         Array(LowCardinality(String)) COMMENT 'Purposes that were granted.',

    browser LowCardinality(String) ALIAS multiIf(
        user_agent = '', '',
        user_agent LIKE '%Edg%', 'Edge',
        user_agent LIKE '%OPR/%' OR user_agent LIKE 'Opera%', 'Opera',
        user_agent LIKE '%SamsungBrowser/%' OR user_agent LIKE 'Samsung%', 'Samsung',
        user_agent LIKE '%Vivaldi%', 'Vivaldi',
        user_agent LIKE '%Firefox%' OR user_agent LIKE '%FxiOS/%', 'Firefox',
        user_agent LIKE '%Chrome%' OR user_agent LIKE '%CriOS/%', 'Chrome',
        user_agent LIKE '%Safari%', 'Safari',
        'other') COMMENT 'Browser family, from the user agent.',
    os LowCardinality(String) ALIAS multiIf(
        user_agent LIKE '%iPhone%' OR user_agent LIKE '%iPad%', 'iOS',
        user_agent LIKE '%Android%', 'Android',
        user_agent LIKE '%Windows%', 'Windows',
        user_agent LIKE '%Mac OS X%', 'macOS',
        user_agent LIKE '%CrOS%', 'ChromeOS',
        user_agent LIKE '%Linux%', 'Linux',
        '') COMMENT 'Operating system, from the user agent. Unknown in an anonymised event.',
    device LowCardinality(String) ALIAS multiIf(
        os = '', '',
        user_agent LIKE '%iPad%' OR user_agent LIKE '%Tablet%' OR os = 'Android' AND user_agent NOT LIKE '%Mobile%', 'tablet',
        os IN ('iOS', 'Android'), 'mobile',
        'desktop') COMMENT 'mobile, tablet or desktop, from the user agent. Unknown in an anonymised event.',
    host String ALIAS domain(url) COMMENT 'Host of the page address.',
    path String ALIAS path(url)   COMMENT 'Path of the page address.',

    INDEX visitor_id_filter      visitor_id      TYPE bloom_filter(0.01),
    INDEX user_id_filter         user_id         TYPE bloom_filter(0.01),
    INDEX session_id_filter      session_id      TYPE bloom_filter(0.01),
    INDEX app_instance_id_filter app_instance_id TYPE bloom_filter(0.01),
    INDEX ga_filter              ga              TYPE bloom_filter(0.01),
    INDEX fbp_filter             fbp             TYPE bloom_filter(0.01),
    INDEX fbc_filter             fbc             TYPE bloom_filter(0.01),
    INDEX idfa_filter            idfa            TYPE bloom_filter(0.01),
    INDEX gaid_filter            gaid            TYPE bloom_filter(0.01),
    INDEX panel_id_filter        panel_id        TYPE bloom_filter(0.01),
    INDEX ad_click_id_filter     ad_click_id     TYPE bloom_filter(0.01)
)
ENGINE = {{.Engine "ReplacingMergeTree"}}
PARTITION BY toYYYYMM(time)
ORDER BY (site, type, time, id)
SETTINGS non_replicated_deduplication_window = 10000, replicated_deduplication_window = 10000;

{{if .Cluster}}
-- An event and its copies go to the same shard.
CREATE TABLE IF NOT EXISTS {{.Name "events"}}{{.OnCluster}} AS {{.Local "events"}}
ENGINE = {{.Distributed "events" "cityHash64(id)"}};
{{end}}

// A shop as Vendure's documentation sets it up, without a plugin that changes how it sells. It is
// what the installer writes: the dummy payment handler, a flat shipping rate, one tax zone.
//
//     node shop.js set-up    makes the tables, and fills in what every shop must have
//     node shop.js serve     the server; says where it listens
//     node shop.js work      the worker, which does what the server puts off
'use strict';

const {
    DefaultJobQueuePlugin,
    DefaultLogger,
    DefaultSchedulerPlugin,
    DefaultSearchPlugin,
    LogLevel,
    bootstrap,
    bootstrapWorker,
    dummyPaymentHandler,
} = require('@vendure/core');
const { populate } = require('@vendure/core/cli');

const database = new URL(process.env.DATABASE_URL);

function configuration(synchronize) {
    return {
        logger: new DefaultLogger({ level: LogLevel.Warn, timestamp: true }),
        apiOptions: {
            port: 0,
            hostname: '127.0.0.1',
            adminApiPath: 'admin-api',
            shopApiPath: 'shop-api',
        },
        authOptions: {
            tokenMethod: ['bearer', 'cookie'],
            superadminCredentials: { identifier: 'owner', password: 'of a throw-away shop' },
            cookieOptions: { secret: 'of a throw-away shop on the loopback address' },
        },
        dbConnectionOptions: {
            type: 'postgres',
            host: database.hostname,
            port: Number(database.port),
            username: database.username,
            password: database.password,
            database: database.pathname.slice(1),
            schema: 'public',
            synchronize,
        },
        paymentOptions: { paymentMethodHandlers: [dummyPaymentHandler] },
        plugins: [
            DefaultSchedulerPlugin.init(),
            DefaultJobQueuePlugin.init({ useDatabaseForBuffer: true }),
            DefaultSearchPlugin.init({ bufferUpdates: false, indexStockStatus: true }),
        ],
    };
}

// A part of the installer's own data.
const initialData = {
    defaultLanguage: 'en',
    defaultZone: 'Europe',
    roles: [],
    countries: [{ name: 'Netherlands', code: 'NL', zone: 'Europe' }],
    taxRates: [{ name: 'Standard Tax', percentage: 20 }],
    shippingMethods: [{ name: 'Standard Shipping', price: 500 }],
    paymentMethods: [
        {
            name: 'Standard Payment',
            handler: {
                code: 'dummy-payment-handler',
                arguments: [{ name: 'automaticSettle', value: 'true' }],
            },
        },
    ],
    collections: [],
};

async function setUp() {
    const app = await populate(() => bootstrap(configuration(true)), initialData);
    await app.close();
}

async function serve() {
    const app = await bootstrap(configuration(false));
    const { port } = app.getHttpServer().address();
    console.log(`listening on http://127.0.0.1:${port}`);
}

async function work() {
    const worker = await bootstrapWorker(configuration(false));
    await worker.startJobQueue();
    console.log('listening on nothing');
}

const [command] = process.argv.slice(2);
({ 'set-up': setUp, serve, work })[command]().then(
    () => command === 'set-up' && process.exit(0),
    error => {
        console.error(error);
        process.exit(1);
    },
);

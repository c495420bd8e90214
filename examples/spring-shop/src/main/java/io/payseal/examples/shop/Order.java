package io.payseal.examples.shop;

/**
 * An order. A value: what the store hands out never changes under its reader.
 *
 * @param id the merchant's order number, out_trade_no
 * @param method native, jsapi, precreate or page
 * @param amountFen what it costs
 * @param codeUrl what its QR code says; null without one
 * @param transactionId the provider's number of the payment; null until it is paid
 * @param paidAt when it was paid, as the provider writes it; null until it is paid
 */
record Order(String id, String method, long amountFen, String codeUrl, String transactionId, String paidAt) {
    String state() {
        return transactionId == null ? "paying" : "paid";
    }

    Order withCodeUrl(String codeUrl) {
        return new Order(id, method, amountFen, codeUrl, transactionId, paidAt);
    }

    Order paid(String transactionId, String paidAt) {
        return new Order(id, method, amountFen, codeUrl, transactionId, paidAt);
    }
}
